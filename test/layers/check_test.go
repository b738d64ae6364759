// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = `
floor 0 pure  word
floor 1 pure  thought/...  idea
floor 2 hands hand         # with a remark
apart wing/... by cmd/...
apart cmd/toy by nobody
floor 3 hands cmd/...
pure never imports net/http/... os/...
pure never calls time.Now
never named util
`

// house is a repository in which all is well.
func house() map[string]*Package {
	return map[string]*Package{
		"word":          {Path: "word", Name: "word", Doc: "Package word.", Imports: []string{"time"}},
		"thought":       {Path: "thought", Name: "thought", Doc: "Package thought.", Imports: []string{"m/thought/deep", "m/word"}},
		"thought/deep":  {Path: "thought/deep", Name: "deep", Doc: "Package deep.", Imports: []string{"m/word"}},
		"idea":          {Path: "idea", Name: "idea", Doc: "Package idea."},
		"hand":          {Path: "hand", Name: "hand", Doc: "Package hand.", Imports: []string{"m/thought", "os"}, Calls: []Call{{"hand.go", "time.Now"}}},
		"wing":          {Path: "wing", Name: "wing", Doc: "Package wing.", Imports: []string{"m/wing/feather", "net/http"}},
		"wing/feather":  {Path: "wing/feather", Name: "feather", Doc: "Package feather."},
		"cmd/toy":       {Path: "cmd/toy", Name: "main", Doc: "Command toy."},
		"cmd/house":     {Path: "cmd/house", Name: "main", Doc: "Command house.", Imports: []string{"m/hand", "m/wing"}},
		"cmd/house/sub": {Path: "cmd/house/sub", Name: "sub", Doc: "Package sub."},
	}
}

func TestCheck(t *testing.T) {
	adds := func(imported string) func(*Package) {
		return func(p *Package) { p.Imports = append(p.Imports, imported) }
	}
	for name, test := range map[string]struct {
		at     string
		change func(*Package)
		want   string
	}{
		"all is well":                {"word", func(*Package) {}, ""},
		"a sibling of the same line": {"thought", adds("m/thought/deep"), ""},
		"an arrow up":                {"word", adds("m/hand"), "word: imports hand; floor 0 sees lower floors only, and that is on floor 2"},
		"an arrow to a neighbor":     {"thought", adds("m/idea"), "thought: imports idea; floor 1 sees lower floors only, and that is on floor 1"},
		"a wing from elsewhere":      {"hand", adds("m/wing/feather"), "hand: imports wing/feather; only cmd/... may"},
		"the product from a wing":    {"wing", adds("m/word"), "wing: imports word; wing/... stands apart and imports nothing of the product"},
		"a wing inside a floor":      {"cmd/toy", adds("m/hand"), "cmd/toy: imports hand; cmd/toy stands apart and imports nothing of the product"},
		"a pure package and files":   {"thought/deep", adds("os/exec"), "thought/deep: imports os/exec; a pure package gets what it needs as an argument"},
		"a pure package and HTTP":    {"word", adds("net/http"), "word: imports net/http; a pure package gets what it needs as an argument"},
		"a pure package and the time": {"word", func(p *Package) { p.Calls = []Call{{"word.go", "time.Now"}} },
			"word: word.go uses time.Now; a pure package gets the time as an argument"},
		"no package comment":      {"hand", func(p *Package) { p.Doc = "" }, "hand: has no package comment; say in one sentence what it is"},
		"a package without place": {"idea", func(p *Package) { p.Path = "attic" }, "attic: is not in docs/layers.txt; give it a floor\ndocs/layers.txt: no package is in idea; take it out"},
		"a name that says nothing": {"wing/feather", func(p *Package) { p.Path, p.Name = "wing/util", "util" },
			"wing/util: the name util says nothing; name it after the noun it serves"},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := Parse(example)
			if err != nil {
				t.Fatal(err)
			}
			built := house()
			test.change(built[test.at])
			var packages []Package
			for _, p := range built {
				packages = append(packages, *p)
			}
			got := strings.Join(rules.Check("m", packages), "\n")
			if got != test.want {
				t.Errorf("faults:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ line, want string }{
		"an unknown rule":    {"roof 1 pure a", `line 1: "roof 1 pure a" is no rule; a line begins with floor, apart, pure never or never named`},
		"a floor of words":   {"floor one pure a", `line 1: floor "one" is no number`},
		"a kind of its own":  {"floor 1 clean a", `line 1: floor 1 is "clean"; a floor is pure or hands`},
		"a wing for nobody":  {"apart wing", `line 1: "apart wing" is no rule; a line begins with floor, apart, pure never or never named`},
		"a floor left empty": {"floor 1 pure", `line 1: "floor 1 pure" is no rule; a line begins with floor, apart, pure never or never named`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(test.line)
			if err == nil || err.Error() != test.want {
				t.Errorf("Parse() says %v, want %s", err, test.want)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	const source = `package a
import (
	"time"
	clock "time"
	"net/http"
)
type box struct{ Now func() }
func f() {
	_ = time.Now
	clock.Sleep(time.Second)
	{
		http := box{}
		http.Now()
	}
}`
	got, err := Calls("a.go", source)
	if err != nil {
		t.Fatal(err)
	}
	want := []Call{{"a.go", "time.Now"}, {"a.go", "time.Sleep"}, {"a.go", "time.Second"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
