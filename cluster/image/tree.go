// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

const (
	defaultFile   = 0o644
	defaultFolder = 0o755 | fs.ModeDir
)

// tree is the layer's content by path, without the leading slash.
type tree map[string]File

// plant lays all files out, with copied folders walked and missing parents added.
func plant(files []File) (tree, error) {
	t := tree{}
	for _, file := range files {
		if err := t.add(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Path, err)
		}
	}
	return t, nil
}

// paths lists every entry with parents before their children.
func (t tree) paths() []string {
	paths := make([]string, 0, len(t))
	for p := range t {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	return paths
}

func (t tree) add(file File) error {
	if !path.IsAbs(file.Path) {
		return fmt.Errorf("the path inside the image must be absolute")
	}
	if file.Link != "" || file.Source == "" {
		t.put(file)
		return nil
	}
	info, err := os.Stat(file.Source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return t.addFolder(file)
	}
	if file.Mode == 0 {
		file.Mode = info.Mode().Perm()
	}
	t.put(file)
	return nil
}

func (t tree) addFolder(file File) error {
	entries, err := os.ReadDir(file.Source)
	if err != nil {
		return err
	}
	t.put(File{Path: file.Path, Mode: defaultFolder, UID: file.UID, GID: file.GID})
	for _, entry := range entries {
		child := file
		child.Path = path.Join(file.Path, entry.Name())
		child.Source = filepath.Join(file.Source, entry.Name())
		if err := t.add(child); err != nil {
			return err
		}
	}
	return nil
}

func (t tree) put(file File) {
	name := strings.TrimPrefix(path.Clean(file.Path), "/")
	for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
		if _, known := t[parent]; !known {
			t[parent] = File{Mode: defaultFolder}
		}
	}
	if file.Mode == 0 {
		file.Mode = defaultFile
	}
	if file.Mode.IsDir() && file.Mode.Perm() == 0 {
		file.Mode |= defaultFolder
	}
	if name != "" {
		t[name] = file
	}
}
