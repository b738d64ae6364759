// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Package is what the check has to know of a package.
type Package struct {
	// Path inside the module, such as internal/mesh.
	Path string
	// Name in its package clause.
	Name string
	// Doc is the first sentence of its doc comment.
	Doc string
	// Imports of its files that are no tests, directly: import paths, with the module's own among them.
	Imports []string
	// Calls are the functions of other packages that those files mention, written time.Now, with the file before them.
	Calls []Call
}

// Call is a mention of a function.
type Call struct{ File, Function string }

// Check returns what breaks the rules, one sentence each, in the order of the packages.
func (m Map) Check(module string, packages []Package) []string {
	var faults []string
	for _, p := range packages {
		for _, fault := range m.checkPackage(module, p) {
			faults = append(faults, p.Path+": "+fault)
		}
	}
	return append(faults, m.unused(packages)...)
}

func (m Map) checkPackage(module string, p Package) []string {
	var faults []string
	if p.Doc == "" {
		faults = append(faults, "has no package comment; say in one sentence what it is")
	}
	for _, name := range []string{p.Name, path.Base(p.Path)} {
		if slices.Contains(m.Names, name) {
			faults = append(faults, fmt.Sprintf("the name %s says nothing; name it after the noun it serves", name))
			break
		}
	}
	at, ok := m.find(p.Path)
	if !ok {
		return append(faults, "is not in docs/layers.txt; give it a floor")
	}
	for _, imported := range p.Imports {
		if own, ok := strings.CutPrefix(imported, module+"/"); ok {
			faults = append(faults, m.checkArrow(p.Path, at, own)...)
		}
	}
	if at.pure {
		faults = append(faults, m.checkPure(p)...)
	}
	return faults
}

// checkArrow judges one import inside the module.
func (m Map) checkArrow(from string, at place, to string) []string {
	target, ok := m.find(to)
	if !ok {
		return nil // the package itself is told to get a floor
	}
	if at.pattern == target.pattern {
		return nil
	}
	switch {
	case at.wing != nil:
		return []string{fmt.Sprintf("imports %s; %s stands apart and imports nothing of the product", to, at.pattern)}
	case target.wing != nil:
		if _, ok := firstMatch(target.wing.By, from); !ok {
			return []string{fmt.Sprintf("imports %s; only %s may", to, strings.Join(target.wing.By, ", "))}
		}
	case target.level >= at.level:
		return []string{fmt.Sprintf("imports %s; floor %d sees lower floors only, and that is on floor %d", to, at.level, target.level)}
	}
	return nil
}

func (m Map) checkPure(p Package) []string {
	var faults []string
	for _, imported := range p.Imports {
		if _, ok := firstMatch(m.Imports, imported); ok {
			faults = append(faults, fmt.Sprintf("imports %s; a pure package gets what it needs as an argument", imported))
		}
	}
	for _, call := range p.Calls {
		if slices.Contains(m.Calls, call.Function) {
			faults = append(faults, fmt.Sprintf("%s uses %s; a pure package gets the time as an argument", call.File, call.Function))
		}
	}
	return faults
}

// unused finds lines of the map that no package is on any more.
func (m Map) unused(packages []Package) []string {
	var patterns []string
	for _, floor := range m.Floors {
		patterns = append(patterns, floor.Patterns...)
	}
	for _, wing := range m.Wings {
		patterns = append(patterns, wing.Pattern)
	}
	var faults []string
	for _, pattern := range patterns {
		if !slices.ContainsFunc(packages, func(p Package) bool { return match(pattern, p.Path) }) {
			faults = append(faults, "docs/layers.txt: no package is in "+pattern+"; take it out")
		}
	}
	return faults
}
