// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir.dev/weir/internal/draft"
)

// TestFromComposeElsewhere reads a compose file of another folder, with one file of variables beside it and one that is not there.
func TestFromComposeElsewhere(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"compose.yaml": "services: {page: {image: 'page:1', env_file: [page.env, secret.env], environment: {COLOR: '${COLOR:-red}'}}, " +
			"seed: {image: 'seed:1', profiles: [seed]}}",
		"page.env": "STOCK=http://stock:9000\n",
		".env":     "COLOR=green\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	project, missing, err := readCompose(t.Context(), filepath.Join(folder, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := draft.Compose(project, "shop", nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Notes = append(missing, d.Notes...)
	text, err := d.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# page: file secret.env with variables is not here", "kubectl create secret generic page-env --from-env-file=secret.env",
		"value: http://stock:9000", "value: green", "# service seed is left out", "image: page:1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
