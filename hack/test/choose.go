// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// selection is what a suite runs.
type selection struct {
	packages []string
	// tests are the names of the top-level tests; empty means all of the packages.
	tests []string
}

func (s selection) pattern() string { return "^(" + strings.Join(s.tests, "|") + ")$" }

// testFiles are the test files of a package by its import path.
type testFiles map[string][]string

// choose finds what the suite runs: every package, or, with a tag, just the tests that exist only with that tag. So a
// test says by its build tag alone where it belongs, and runs once.
func (s suite) choose(ctx context.Context) (selection, error) {
	if s.tag == "" {
		return selection{packages: []string{"./..."}}, nil
	}
	without, err := list(ctx, "")
	if err != nil {
		return selection{}, err
	}
	with, err := list(ctx, s.tag)
	if err != nil {
		return selection{}, err
	}
	var chosen selection
	for pkg, files := range with {
		added := slices.DeleteFunc(files, func(file string) bool { return slices.Contains(without[pkg], file) })
		if len(added) == 0 || !strings.HasPrefix(pkg, module+"/"+s.within) {
			continue
		}
		names, err := testNames(added)
		if err != nil {
			return selection{}, err
		}
		chosen.packages = append(chosen.packages, pkg)
		chosen.tests = append(chosen.tests, names...)
	}
	if len(chosen.tests) == 0 {
		return selection{}, fmt.Errorf("no test file has the build tag %s", s.tag)
	}
	slices.Sort(chosen.packages)
	slices.Sort(chosen.tests)
	chosen.tests = slices.Compact(chosen.tests)
	return chosen, nil
}

func list(ctx context.Context, tag string) (testFiles, error) {
	command := exec.CommandContext(ctx, "go", "list", "-e", "-tags", tag, "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles", "./...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	files := testFiles{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath, Dir           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what go list says: %w", err)
		}
		for _, name := range append(pkg.TestGoFiles, pkg.XTestGoFiles...) {
			files[pkg.ImportPath] = append(files[pkg.ImportPath], filepath.Join(pkg.Dir, name))
		}
	}
}

// testNames lists the top-level tests in files.
func testNames(files []string) ([]string, error) {
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, declaration := range parsed.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if ok && function.Recv == nil && strings.HasPrefix(function.Name.Name, "Test") && function.Name.Name != "TestMain" {
				names = append(names, function.Name.Name)
			}
		}
	}
	return names, nil
}
