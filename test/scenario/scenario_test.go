// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("want the scripts beside this test, found %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(file, ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse(string(text))
			if err != nil {
				t.Fatalf("%s:%v", file, err)
			}
			if err := play(s); err != nil {
				t.Fatalf("%s:%v", file, err)
			}
		})
	}
}

func TestWrongScriptsFail(t *testing.T) {
	const head = "strategy steps 10 hold 30s\n"
	for name, c := range map[string]struct{ text, want string }{
		"another end":          {head + "at 0s begins → connect", "want connect, got prepare"},
		"another weight":       {head + "at 0s pods ready → connect\nat 1s callers serve → weight 20", "want weight 20, got weight 10"},
		"other words":          {head + `at 0s begins → prepare says "ready to go"`, `want the message to hold "ready to go"`},
		"another reason":       {head + "at 0s begins → prepare\nat 1s abort → retire because Unhealthy", "want the reason Unhealthy, got Aborted"},
		"unsaid":               {head + "at 0s begins → prepare\nat 6m pods ready → connect", "at 5m0s it went from prepare to retire, which no line says"},
		"no strategy":          {"at 0s begins → prepare", "no strategy"},
		"backwards":            {head + "at 1s begins → prepare\nat 0s begins → prepare", "before the line above"},
		"unknown seen":         {head + "at 0s pigs fly → prepare", `"pigs fly" is nothing that can be seen`},
		"unknown does":         {head + "at 0s begins → dance", `"dance" is nothing a release does`},
		"unknown knob":         {"strategy speed 10", `"speed" is no part of a strategy`},
		"no arrow":             {head + "at 0s begins", "no →"},
		"no number":            {head + "at 0s pods some ready → prepare", `"some"`},
		"unknown of unit":      {head + "unit page reviews\nat 0s page sings → prepare", `"sings" is nothing that can be seen of a release`},
		"step without words":   {head + "step hold", `"hold" needs more words`},
		"unknown step":         {head + "step speed 10", `"speed" is no part of a step`},
		"unknown gate":         {head + "at 0s gate smoke sings → prepare", `"sings" is nothing that a gate does`},
		"nothing follows":      {head + "at 0s begins → prepare\nat 1s abort → retire\nat 2s pods gone → rolled back\nat 3s v2 begins → prepare", "nothing begins"},
		"something follows":    {head + "at 0s begins → prepare\nat 1s abort → retire\nat 2s pods gone → rolled back\nat 3s retry → same\nat 4s nothing begins → same", "v2 begins"},
		"begins while another": {head + "at 0s begins → prepare\nat 1s v3 begins → prepare", "nothing begins"},
		"promise is kept":      {head + "at 0s callers serve → weight 10", "want weight 10, got prepare"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(c.text)
			if err == nil {
				err = play(s)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error that holds %q, got %v", c.want, err)
			}
		})
	}
}
