// SPDX-License-Identifier: Apache-2.0

package part

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"

	"weir.dev/weir/cluster/part/archive"
)

//go:generate go run ./archive/pack ../components components.txtar

// components holds the build modules of cluster/components, so that an installed binary can build without a checkout.
//
//go:embed components.txtar
var components []byte

// istioLine is the release line of the pinned Istio commit, which its pseudo-version does not tell.
const istioLine = "1.31"

// moduleVersion returns the version that a group of components pins for a Go module, such as v1.36.1. It panics if
// the group does not name the module, which a test rules out.
func moduleVersion(group, module string) string {
	name := group + "/go.mod"
	parsed, err := modfile.ParseLax(name, archive.Files(components, name)[name], nil)
	if err != nil {
		panic(err)
	}
	for _, required := range parsed.Require {
		if required.Mod.Path == module {
			return required.Mod.Version
		}
	}
	panic(fmt.Sprintf("%s does not require %s: run go generate ./cluster/part", name, module))
}

// istioTag names the pinned Istio as Istio names its own development builds: the line and the commit.
func istioTag() string {
	pinned := moduleVersion("kubernetes", "istio.io/istio")
	return istioLine + "-alpha." + pinned[strings.LastIndex(pinned, "-")+1:]
}

// prometheusVersion turns the version of the Go module into that of the release: v0.311.3 is Prometheus 3.11.3.
func prometheusVersion(module string) string {
	fields := strings.Split(strings.TrimPrefix(module, "v"), ".")
	if len(fields) != 3 {
		return module
	}
	minor, err := strconv.Atoi(fields[1])
	if err != nil {
		return module
	}
	return fmt.Sprintf("%d.%d.%s", minor/100, minor%100, fields[2])
}
