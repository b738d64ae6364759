// SPDX-License-Identifier: Apache-2.0

// Package mesh says what of Istio a cluster gets: its own unmodified charts with the settings under which stock Envoy
// takes all that istiod sends, and the filters by which stock Envoy reports Istio's standard metrics.
package mesh

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"

	"weir.dev/weir/cluster/manifest"
)

// Namespaces of the control plane and of the ingress gateway.
const (
	SystemNamespace  = "istio-system"
	GatewayNamespace = "istio-ingress"
	// GatewayName is the gateway's Deployment and Service; its pods carry the label istio: ingressgateway.
	GatewayName = "istio-ingressgateway"
	// GatewayNodePort is where the node serves the gateway's HTTP port.
	GatewayNodePort = 30080
)

// Image is a registry prefix and a tag.
type Image struct{ Hub, Tag string }

// render makes the objects of a chart, sorted so that those which others need come first.
func render(dir, release, namespace string, values map[string]any) ([]*manifest.Object, error) {
	chart, err := loader.LoadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", dir, err)
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	merged, err := chartutil.ToRenderValues(chart, values, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", dir, err)
	}
	files, err := engine.Render(chart, merged)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", dir, err)
	}
	var objects []*manifest.Object
	for name, content := range files {
		if !strings.HasSuffix(name, ".yaml") || strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		parsed, err := manifest.Parse([]byte(content))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		objects = append(objects, parsed...)
	}
	slices.SortFunc(objects, byNeed)
	return objects, nil
}

// first are the kinds that others refer to; the rest follows, workloads last.
var first = []string{"Namespace", "CustomResourceDefinition", "ServiceAccount", "ClusterRole", "Role",
	"ClusterRoleBinding", "RoleBinding", "ConfigMap", "Service"}

func byNeed(a, b *manifest.Object) int {
	if order := rank(a) - rank(b); order != 0 {
		return order
	}
	return strings.Compare(a.GetKind()+a.GetName(), b.GetKind()+b.GetName())
}

func rank(object *manifest.Object) int {
	if i := slices.Index(first, object.GetKind()); i >= 0 {
		return i
	}
	if object.GetKind() == "Deployment" {
		return len(first) + 1
	}
	return len(first)
}

// System renders istiod. Some objects of its chart carry no namespace and mean the release's.
func System(dir string, image Image, replicas int) ([]*manifest.Object, error) {
	return render(dir, "istiod", SystemNamespace, systemValues(image, replicas))
}

// Gateway renders the ingress gateway. Its pods get their image from the injection webhook, so istiod must serve.
func Gateway(dir string) ([]*manifest.Object, error) {
	return render(dir, GatewayName, GatewayNamespace, gatewayValues())
}

// Namespaces returns the namespaces that everything else of the mesh is in.
func Namespaces() []*manifest.Object {
	return []*manifest.Object{namespace(SystemNamespace), namespace(GatewayNamespace)}
}

// Definitions renders Istio's resource definitions and what else its base chart holds. The definitions are taken as
// they are: to let the chart render each would take longer than the API server needs to start.
func Definitions(dir string) ([]*manifest.Object, error) {
	return render(dir, "istio-base", SystemNamespace, map[string]any{"base": map[string]any{"enableCRDTemplates": false}})
}

func namespace(name string) *manifest.Object {
	object := &manifest.Object{}
	object.SetAPIVersion("v1")
	object.SetKind("Namespace")
	object.SetName(name)
	return object
}
