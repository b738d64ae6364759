// SPDX-License-Identifier: Apache-2.0

package preview_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"weir.dev/weir/internal/preview"
)

var update = flag.Bool("update", false, "write the golden files anew")

func read(t *testing.T, path string) preview.Input {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var in preview.Input
	if err := yaml.UnmarshalStrict(text, &in); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return in
}

func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			p, err := preview.Of(read(t, path))
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			diffs := strings.Contains(path, "canary")
			if err := p.Text(&got, diffs); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got); go test -update writes it anew:\n%s", golden, diff)
			}
		})
	}
}
