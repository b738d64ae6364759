// SPDX-License-Identifier: Apache-2.0

package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"weir.dev/weir/cluster/controlplane"
)

func testNode(t *testing.T) Node {
	t.Helper()
	return Node{
		Binary: func(name string) string { return "/parts/bin/" + name }, Dir: t.TempDir(), Cgroup: "/weir/one",
		Credential: controlplane.Credential{Dir: "/pki"}, PauseImage: "weir.local/pause:1",
	}
}

func TestConfigurationIsYAML(t *testing.T) {
	n := testNode(t)
	for name, text := range map[string]string{"kubelet": n.kubeletConfig(), "kube-proxy": n.proxyConfig(), "cni": cniConfig} {
		fields := map[string]any{}
		if err := yaml.UnmarshalStrict([]byte(text), &fields); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(text, "%!") {
			t.Errorf("%s has a value too few or too many:\n%s", name, text)
		}
	}
	if text := n.containerdConfig(); strings.Contains(text, "%!") || !strings.Contains(text, `sandbox = "weir.local/pause:1"`) {
		t.Errorf("containerd:\n%s", text)
	}
}

func TestAnEqualConfigurationIsNotWrittenAgain(t *testing.T) {
	n := testNode(t)
	if err := n.WriteConfig(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(n.Dir, "kube-proxy.yaml")
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.WriteConfig(); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(file)
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("kube-proxy's file was touched (%v)", err)
	}
}

func TestShareTree(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	for name, content := range map[string]string{"layer/bin/envoy": "code", "layer/meta.db": "rows"} {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("bin/envoy", filepath.Join(from, "layer/link")); err != nil {
		t.Fatal(err)
	}
	if err := shareTree(from, to); err != nil {
		t.Fatal(err)
	}
	for name, shared := range map[string]bool{"layer/bin/envoy": true, "layer/meta.db": false} {
		source, err := os.Stat(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		target, err := os.Stat(filepath.Join(to, name))
		if err != nil {
			t.Fatal(err)
		}
		if os.SameFile(source, target) != shared || target.Mode() != source.Mode() {
			t.Errorf("%s: shared %t, mode %v; want %t, %v", name, !shared, target.Mode(), shared, source.Mode())
		}
	}
	if content, err := os.ReadFile(filepath.Join(to, "layer/link")); err != nil || string(content) != "code" {
		t.Errorf("the link leads to %q, %v", content, err)
	}
}
