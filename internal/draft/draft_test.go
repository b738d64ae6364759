// SPDX-License-Identifier: Apache-2.0

package draft_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/google/go-cmp/cmp"
	networking "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/draft"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/preview"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, d *draft.Draft) {
	t.Helper()
	got, err := d.YAML()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".golden.yaml")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test -update writes it anew:\n%s", path, diff)
	}
	if err := plan.Accept(d.Application); err != nil {
		t.Errorf("the draft would be refused: %v", err)
	}
	objects, err := preview.Objects(preview.Input{Then: d.Application})
	if err != nil {
		t.Fatalf("the draft cannot be planned: %v", err)
	}
	if err := plan.Check(objects); err != nil {
		t.Errorf("the draft would be refused: %v", err)
	}
}

func TestCompose(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.compose.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d compose files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			options, err := cli.NewProjectOptions([]string{file}, cli.WithResolvedPaths(false), cli.WithDefaultProfiles())
			if err != nil {
				t.Fatal(err)
			}
			project, err := options.LoadProject(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			d, err := draft.Compose(project, "shop", nil)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, d)
		})
	}
}

// TestImages drafts out of nothing but images, and what they say of themselves.
func TestImages(t *testing.T) {
	project := draft.Project("books", []string{
		"registry.example/front:1.4", "stock=registry.example/warehouse/stock-service:2", "registry.example/worker", "redis:7", "registry.example/front:1.5",
	})
	want := []string{
		"redis:7", "registry.example/front:1.4", "registry.example/front:1.5", "registry.example/warehouse/stock-service:2", "registry.example/worker",
	}
	if diff := cmp.Diff(want, draft.Asking(project)); diff != "" {
		t.Errorf("images to ask for (-want +got):\n%s", diff)
	}
	d, err := draft.Compose(project, "shop", map[string]draft.Image{
		"registry.example/front:1.4":                 {Ports: []api.Port{{Port: 8080}, {Port: 5353, Protocol: "udp"}}, User: "1337"},
		"registry.example/front:1.5":                 {Fault: "image registry.example/front:1.5: not found"},
		"registry.example/warehouse/stock-service:2": {Ports: []api.Port{{Port: 15020}, {Port: 50051}}, User: "1000:1000"},
		"registry.example/worker":                    {},
		"redis:7":                                    {Fault: "image redis:7: no route to host"},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "books.image", d)
}

func TestWorkloads(t *testing.T) {
	seen := readNamespace(t, filepath.Join("testdata", "shop.workload.yaml"))
	d, err := draft.Workloads(seen, draft.Options{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "shop.workload", d)
	d, err = draft.Workloads(seen, draft.Options{Application: "governed", External: true, Only: []string{"page", "stock"}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "shop.external", d)
}

func readNamespace(t *testing.T, path string) draft.Namespace {
	t.Helper()
	out, _ := readAll(t, path)
	return out
}

func readAll(t *testing.T, path string) (draft.Namespace, draft.Surroundings) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return decodeAll(t, text)
}

func decodeAll(t *testing.T, text []byte) (draft.Namespace, draft.Surroundings) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, networking.AddToScheme, autoscalingv2.AddToScheme, networkingv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme).UniversalDeserializer()
	out, around := draft.Namespace{Name: "shop"}, draft.Surroundings{}
	documents := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	buffer := make([]byte, 1<<16)
	for {
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return out, around
		}
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := decoder.Decode(buffer[:n], nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch o := o.(type) {
		case *corev1.Namespace:
			if out.Name == "shop" {
				out.Name, around.Labels = o.Name, o.Labels
			}
		case *corev1.Service:
			out.Services = append(out.Services, *o)
		case *corev1.ServiceAccount:
			around.Accounts = append(around.Accounts, *o)
		case *appsv1.Deployment:
			out.Deployments = append(out.Deployments, *o)
		case *appsv1.StatefulSet:
			out.StatefulSets = append(out.StatefulSets, *o)
		case *networking.VirtualService:
			if o.Namespace != "" && o.Namespace != out.Name {
				around.Elsewhere = append(around.Elsewhere, o)
				continue
			}
			out.Routes = append(out.Routes, o)
		case *networking.Gateway:
			if o.Namespace == "" || o.Namespace == out.Name {
				out.Gateways = append(out.Gateways, o)
			}
		case *networkingv1.Ingress:
			out.Ingresses = append(out.Ingresses, *o)
		case *autoscalingv2.HorizontalPodAutoscaler:
			around.Autoscalers = append(around.Autoscalers, *o)
		case *networking.DestinationRule:
			around.Rules = append(around.Rules, o)
		}
	}
}
