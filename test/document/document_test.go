// SPDX-License-Identifier: Apache-2.0

// Package document holds what is written for people to what is there: links, folders and commands.
package document

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[strings.TrimPrefix(path, root+"/")] = string(text)
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

var folder = regexp.MustCompile("`((?:api|bench|cluster|cmd|deploy|docs|examples|hack|internal|test)/[-a-z0-9_./]*[a-z0-9])`")

func TestFoldersAreThere(t *testing.T) {
	for page, text := range pages(t) {
		if strings.HasPrefix(page, "docs/decisions/") {
			continue // a decision speaks of its day
		}
		for _, match := range folder.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, match[1])); err != nil {
				t.Errorf("%s speaks of %s, which is not there", page, match[1])
			}
		}
	}
}

var command = regexp.MustCompile("(?m)(?:^|`)make ([a-z0-9-]+)")

func TestMakeKnowsItsCommands(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range pages(t) {
		for _, match := range command.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(string(makefile), "\n"+match[1]+":") {
				t.Errorf("%s says make %s, which the Makefile does not know", page, match[1])
			}
		}
	}
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
