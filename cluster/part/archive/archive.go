// SPDX-License-Identifier: Apache-2.0

// Package archive carries a folder of source files inside the product's binary: Go's embedding cannot cross into a
// folder that is a module of its own, but it can hold one text file with all of that folder in it.
package archive

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// Pack puts every file under dir into one archive, in the order of their paths.
func Pack(dir string) ([]byte, error) {
	packed := &txtar.Archive{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		packed.Files = append(packed.Files, txtar.File{Name: filepath.ToSlash(name), Data: content})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", dir, err)
	}
	return txtar.Format(packed), nil
}

// Files returns the content of each file in the archive whose path is one of the prefixes or lies below one.
func Files(packed []byte, prefixes ...string) map[string][]byte {
	found := map[string][]byte{}
	for _, file := range txtar.Parse(packed).Files {
		for _, prefix := range prefixes {
			if file.Name == prefix || strings.HasPrefix(file.Name, prefix+"/") {
				found[file.Name] = file.Data
			}
		}
	}
	return found
}

// Unpack writes every file of the archive below dir, which is made if it is missing.
func Unpack(packed []byte, dir string) error {
	for _, file := range txtar.Parse(packed).Files {
		if !filepath.IsLocal(file.Name) {
			return fmt.Errorf("unpack %s: the path leads out of the folder", file.Name)
		}
		path := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
