// SPDX-License-Identifier: Apache-2.0

package part

import (
	"bytes"
	"strings"
	"testing"

	"weir.dev/weir/cluster/part/archive"
)

func TestArchiveEqualsTheFolderOfComponents(t *testing.T) {
	fresh, err := archive.Pack("../components")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fresh, components) {
		t.Error("components.txtar is stale: run go generate ./cluster/part")
	}
}

func TestArchiveUnpacksToTheSameFolder(t *testing.T) {
	dir := t.TempDir()
	if err := archive.Unpack(components, dir); err != nil {
		t.Fatal(err)
	}
	again, err := archive.Pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, components) {
		t.Error("unpacking and packing again changes the archive")
	}
}

func TestListNamesEveryPartOnceWithItsVersion(t *testing.T) {
	seen := map[string]bool{}
	for _, part := range List() {
		if part.Name == "" || part.Version == "" || part.Source == "" {
			t.Errorf("incomplete: %+v", part)
		}
		if seen[part.Name] {
			t.Errorf("%s comes twice", part.Name)
		}
		seen[part.Name] = true
	}
	for _, image := range Images() {
		if !seen[image+"-image"] {
			t.Errorf("no part makes the image %s", image)
		}
	}
}

func TestRecipesComeAfterWhatTheyNeed(t *testing.T) {
	made := map[string]bool{}
	for _, r := range recipes() {
		for _, need := range r.needs {
			if !made[need] {
				t.Errorf("%s needs %s, which is not made before it", r.Name, need)
			}
		}
		made[r.Name] = true
	}
}

func TestBuildsSeeTheirOwnSources(t *testing.T) {
	for name, want := range map[string]string{
		"the group's modules":        "kubernetes/go.sum",
		"the program of that folder": "kubernetes/kubernetes/main.go",
	} {
		if !strings.Contains(strings.Join(kubernetesBuild().inputs(), "\n"), want) {
			t.Errorf("%s: a change of %s would not rebuild the part", name, want)
		}
	}
	if strings.Contains(strings.Join(kubernetesBuild().inputs(), "\n"), "coredns/main.go") {
		t.Error("a change of CoreDNS would rebuild Kubernetes")
	}
}

func TestPrometheusVersion(t *testing.T) {
	for module, want := range map[string]string{"v0.311.3": "3.11.3", "v0.304.0": "3.4.0", "v3.0": "v3.0", "v0.x.1": "v0.x.1"} {
		if got := prometheusVersion(module); got != want {
			t.Errorf("%s: got %s, want %s", module, got, want)
		}
	}
}
