// SPDX-License-Identifier: Apache-2.0

// Package layers holds every package to the map of docs/layers.txt: who may import whom, and what the pure ones never do.
package layers

import (
	"fmt"
	"strconv"
	"strings"
)

// Map is the content of docs/layers.txt.
type Map struct {
	Floors []Floor
	Wings  []Wing
	// Imports and Calls are what pure packages never do; Calls are written time.Now.
	Imports, Calls []string
	// Names that no package may have.
	Names []string
}

// Floor is one line of packages; they see lower floors only.
type Floor struct {
	Level    int
	Pure     bool
	Patterns []string
}

// Wing is a part of the repository that stands apart from the floors.
type Wing struct {
	Pattern string
	By      []string
}

// Parse reads a map. The error names the line.
func Parse(text string) (Map, error) {
	var m Map
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := m.add(words); err != nil {
			return Map{}, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return m, nil
}

func (m *Map) add(words []string) error {
	switch start := strings.Join(words[:min(3, len(words))], " "); {
	case words[0] == "floor" && len(words) > 3:
		return m.addFloor(words)
	case words[0] == "apart" && len(words) > 3 && words[2] == "by":
		m.Wings = append(m.Wings, Wing{Pattern: words[1], By: words[3:]})
	case start == "pure never imports":
		m.Imports = append(m.Imports, words[3:]...)
	case start == "pure never calls":
		m.Calls = append(m.Calls, words[3:]...)
	case strings.HasPrefix(start, "never named"):
		m.Names = append(m.Names, words[2:]...)
	default:
		return fmt.Errorf("%q is no rule; a line begins with floor, apart, pure never or never named", strings.Join(words, " "))
	}
	return nil
}

func (m *Map) addFloor(words []string) error {
	level, err := strconv.Atoi(words[1])
	if err != nil {
		return fmt.Errorf("floor %q is no number", words[1])
	}
	if words[2] != "pure" && words[2] != "hands" {
		return fmt.Errorf("floor %d is %q; a floor is pure or hands", level, words[2])
	}
	m.Floors = append(m.Floors, Floor{Level: level, Pure: words[2] == "pure", Patterns: words[3:]})
	return nil
}

// match tells whether a pattern takes a path; a trailing /... takes the folder itself and all below it.
func match(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return pattern == path
}

func firstMatch(patterns []string, path string) (string, bool) {
	for _, pattern := range patterns {
		if match(pattern, path) {
			return pattern, true
		}
	}
	return "", false
}

// place is where a package stands.
type place struct {
	level   int
	pure    bool
	wing    *Wing
	pattern string
}

// find returns the place of a package by its path inside the module. A wing goes before a floor, and the longest
// pattern of the wings before a shorter one.
func (m Map) find(path string) (place, bool) {
	var found *Wing
	for i, wing := range m.Wings {
		if match(wing.Pattern, path) && (found == nil || len(wing.Pattern) > len(found.Pattern)) {
			found = &m.Wings[i]
		}
	}
	if found != nil {
		return place{wing: found, pattern: found.Pattern}, true
	}
	for _, floor := range m.Floors {
		if pattern, ok := firstMatch(floor.Patterns, path); ok {
			return place{level: floor.Level, pure: floor.Pure, pattern: pattern}, true
		}
	}
	return place{}, false
}
