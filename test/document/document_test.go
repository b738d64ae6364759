// SPDX-License-Identifier: Apache-2.0

// Package document holds what is written for people to what is there: links, paths, words, examples and commands of make. What
// is to be typed to weir itself is held to it beside its commands, in cmd/weir.
package document

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// pages are the documents for people, by their path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "examples/*/*.md", "test/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			page := strings.TrimPrefix(path, root+"/")
			found[page] = read(t, page)
		}
	}
	return found
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for page, text := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, target)
			}
		}
	}
}

var (
	fence = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")
	span  = regexp.MustCompile("`([^`\n]+)`")
)

// code is what a page shows as code: blocks as they stand, and what stands between backticks.
func code(text string) (blocks, spans []string) {
	for _, match := range fence.FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, match[1])
	}
	for _, match := range span.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		spans = append(spans, match[1])
	}
	return blocks, spans
}

// today are the pages that speak of what is there now, which those about decisions do not: they speak of their day.
func today(t *testing.T) map[string]string {
	t.Helper()
	found := pages(t)
	maps.DeleteFunc(found, func(page, _ string) bool { return strings.HasPrefix(page, "docs/decisions/0") })
	return found
}

var path = regexp.MustCompile(`(?:^|[\s=]|\./)((?:\.ci|api|bench|cluster|cmd|deploy|docs|examples|hack|internal|test)/[-a-zA-Z0-9_./]*[a-zA-Z0-9])`)

func TestPathsAreThere(t *testing.T) {
	seen := 0
	for page, text := range today(t) {
		blocks, spans := code(text)
		for _, shown := range append(blocks, spans...) {
			for _, match := range path.FindAllStringSubmatch(shown, -1) {
				seen++
				if _, err := os.Stat(filepath.Join(root, match[1])); err != nil {
					t.Errorf("%s speaks of %s, which is not there", page, match[1])
				}
			}
		}
	}
	if seen == 0 {
		t.Error("the documents speak of no path")
	}
}

var goal = regexp.MustCompile(`(?m)^(?:[A-Z_]+=\S+ |.*(?:&&|;) )?make ([a-z][a-z0-9-]*)`)

func TestMakeKnowsItsCommands(t *testing.T) {
	makefile := read(t, "Makefile")
	seen := 0
	for page, text := range today(t) {
		blocks, spans := code(text)
		for _, shown := range append(blocks, spans...) {
			for _, match := range goal.FindAllStringSubmatch(shown, -1) {
				if seen++; !strings.Contains(makefile, "\n"+match[1]+":") {
					t.Errorf("%s says make %s, which the Makefile does not know", page, match[1])
				}
			}
		}
	}
	if seen == 0 {
		t.Error("the documents name no command of make")
	}
}

func TestGoalsAreTold(t *testing.T) {
	contributing := read(t, "CONTRIBUTING.md")
	for _, match := range regexp.MustCompile(`(?m)^([a-z0-9-]+):.*## `).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		if name := match[1]; strings.HasPrefix(name, "test") && !strings.Contains(contributing, "make "+name) {
			t.Errorf("CONTRIBUTING.md does not say what make %s is for", name)
		}
	}
}

// TestRoomsAreNamed looks for every folder of the product in the table of the house.
func TestRoomsAreNamed(t *testing.T) {
	house := read(t, "ARCHITECTURE.md")
	folders, err := filepath.Glob(filepath.Join(root, "internal", "*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("there is nothing in internal: %v", err)
	}
	for _, folder := range folders {
		if name := "internal/" + filepath.Base(folder); !strings.Contains(house, "`"+name+"`") {
			t.Errorf("ARCHITECTURE.md does not say what is in %s", name)
		}
	}
}

var word = regexp.MustCompile(`[A-Za-z][-A-Za-z0-9_]{2,}[A-Za-z0-9]`)

// TestWordsAreOurs looks for every word that a page sets as code in the code: a field, flag or header that went leaves the
// pages with it. What is typed to kubectl is not ours.
func TestWordsAreOurs(t *testing.T) {
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "docs", "test/document"}, path):
			return fs.SkipDir
		case entry.IsDir() || strings.HasSuffix(path, ".md"):
			return nil
		}
		all.WriteString(path + "\n" + read(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range today(t) {
		_, spans := code(text)
		for _, shown := range spans {
			for _, name := range word.FindAllString(shown, -1) {
				if !strings.HasPrefix(shown, "kubectl ") && !strings.Contains(all.String(), name) {
					t.Errorf("%s speaks of %s in `%s`, which the code does not know", page, name, shown)
				}
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDecisionsAreNumberedAndDated(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(root, "docs/decisions/[0-9]*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no decisions: %v", err)
	}
	dated := regexp.MustCompile(`^# \d+\. .+\n\n\d{4}-\d\d-\d\d\n\n## Question\n`)
	for i, path := range paths {
		name := filepath.Base(path)
		if !strings.HasPrefix(name, fmt.Sprintf("%04d-", i+1)) {
			t.Errorf("%s is number %d in the row", name, i+1)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !dated.Match(text) {
			t.Errorf("%s does not begin with its title, its date and its question", name)
		}
	}
}
