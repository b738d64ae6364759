// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Logs returns the log of a part by the name it has in Status, or its last lines if lines is above 0. Of a part that
// runs as pods these are the logs of all its containers, one after the other.
func Logs(_ context.Context, ref Ref, name string, lines int) (string, error) {
	dir, err := ref.dir()
	if err != nil {
		return "", err
	}
	files, err := logFiles(string(dir), name)
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", fmt.Errorf("cluster %s has no log of a part %q: weir cluster status lists the parts", ref.name(), name)
	}
	var text strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		if len(files) > 1 {
			fmt.Fprintf(&text, "==> %s\n", file)
		}
		text.WriteString(lastLines(string(content), lines))
	}
	return text.String(), nil
}

func logFiles(dir, name string) ([]string, error) {
	if filepath.Base(name) != name || strings.ContainsAny(name, "*?[") {
		return nil, fmt.Errorf("%q is no name of a part", name)
	}
	var files []string
	for _, pattern := range []string{
		filepath.Join(dir, "run", name+".log"),
		filepath.Join(dir, "node", "pod-logs", "*_"+name+"-*", "*", "*.log"),
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return files, nil
}

// lastLines returns the last lines of a text that ends each line, or all of it if lines is not above 0.
func lastLines(text string, lines int) string {
	if lines <= 0 {
		return text
	}
	all := strings.SplitAfter(text, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return strings.Join(all[max(0, len(all)-lines):], "")
}
