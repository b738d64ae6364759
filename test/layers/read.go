// SPDX-License-Identifier: Apache-2.0

package layers

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
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Read describes every package of the module in root, as the Go command lists them.
func Read(ctx context.Context, root string) (module string, packages []Package, err error) {
	command := exec.CommandContext(ctx, "go", "list", "-e", "-json=ImportPath,Name,Doc,Dir,GoFiles,Imports,Module", "./...")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", command, err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			ImportPath, Name, Doc, Dir string
			GoFiles, Imports           []string
			Module                     struct{ Path, Dir string }
		}
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			return module, packages, nil
		} else if err != nil {
			return "", nil, fmt.Errorf("read what go list says: %w", err)
		}
		if len(listed.GoFiles) == 0 {
			continue // tests alone
		}
		module = listed.Module.Path
		if err := notice(listed.Dir, listed.Module.Dir); err != nil {
			return "", nil, err
		}
		p := Package{Path: strings.TrimPrefix(listed.ImportPath, module+"/"), Name: listed.Name, Doc: listed.Doc, Imports: listed.Imports}
		for _, name := range listed.GoFiles {
			calls, err := Calls(filepath.Join(listed.Dir, name), nil)
			if err != nil {
				return "", nil, err
			}
			p.Calls = append(p.Calls, calls...)
		}
		packages = append(packages, p)
	}
}

// notice opens the folders from dir up to root, so that Go does not take a cached result of the test for good when a
// package was added: it knows what a test opened, but not what the Go command looked at for it.
func notice(dir, root string) error {
	for {
		if _, err := os.ReadDir(dir); err != nil {
			return err
		}
		if dir == root || dir == filepath.Dir(dir) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// Calls lists the functions of imported packages that a file mentions. The file is read unless its source is given.
func Calls(file string, source any) ([]Call, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
	if err != nil {
		return nil, err
	}
	imported := importNames(parsed)
	var calls []Call
	ast.Inspect(parsed, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		// A name that the parser could resolve is a variable, not an import.
		if name, ok := selector.X.(*ast.Ident); ok && name.Obj == nil && imported[name.Name] != "" {
			calls = append(calls, Call{File: filepath.Base(file), Function: imported[name.Name] + "." + selector.Sel.Name})
		}
		return true
	})
	return calls, nil
}

// importNames maps the names that a file uses for its imports to their paths.
func importNames(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(target)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = target
	}
	return names
}
