// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/preview"
)

func injectors(t *testing.T) []injection.Injector {
	t.Helper()
	out, err := injection.Injectors([]admissionv1.MutatingWebhookConfiguration{{
		ObjectMeta: metav1.ObjectMeta{Name: "istio-sidecar-injector", Labels: map[string]string{"istio.io/rev": "default"}},
		Webhooks: []admissionv1.MutatingWebhook{{
			Name: "namespace.sidecar-injector.istio.io", ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: "istio-system", Name: "istiod"}},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"istio-injection": "enabled"}},
			ObjectSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "sidecar.istio.io/inject", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"false"}},
			}},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// healthy is a cluster in which all is well.
func healthy(t *testing.T) Cluster {
	t.Helper()
	c := Cluster{
		Kubernetes: "v1.36.1", Kinds: map[string]bool{}, Istiods: []Istiod{{Namespace: "istio-system", Name: "istiod", Revision: "default", Version: "1.31.0", Ready: 2}},
		Injectors: injectors(t), Gateways: map[string]int{"istio-ingress": 1}, Prometheus: Prometheus{URL: "http://prometheus.istio-system:9090", Mesh: true},
		Weir: &Weir{Namespace: "weir-system", Image: "weir:1", Ready: 2, Wanted: 2},
	}
	for _, kind := range []string{"VirtualService.networking.istio.io", "DestinationRule.networking.istio.io", "Gateway.networking.istio.io", "Application.weir.dev", "Strategy.weir.dev", "Release.weir.dev"} {
		c.Kinds[kind] = true
	}
	return c
}

func lines(found []Finding, least Level) []string {
	var out []string
	for _, f := range found {
		if weight(f.Level) <= weight(least) {
			out = append(out, strings.TrimSpace(f.Rule+" "+f.Where))
		}
	}
	return out
}

func TestCluster(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Cluster)
		want   []string
	}{
		"all is well":                {func(*Cluster) {}, nil},
		"before the install":         {func(c *Cluster) { c.Weir = nil; delete(c.Kinds, "Application.weir.dev") }, nil},
		"old Kubernetes":             {func(c *Cluster) { c.Kubernetes = "v1.28.3" }, []string{"Kubernetes"}},
		"no version":                 {func(c *Cluster) { c.Kubernetes = "" }, []string{"Kubernetes"}},
		"no Istio":                   {func(c *Cluster) { c.Istiods, c.Injectors, c.Kinds = nil, nil, map[string]bool{} }, []string{"IstioKinds", "Istiod", "Weir"}},
		"istiod is down":             {func(c *Cluster) { c.Istiods[0].Ready = 0 }, []string{"Istiod Deployment istiod"}},
		"one istiod":                 {func(c *Cluster) { c.Istiods[0].Ready = 1 }, []string{"Istiod Deployment istiod"}},
		"old Istio":                  {func(c *Cluster) { c.Istiods[0].Version = "1.19.4" }, []string{"Istiod Deployment istiod"}},
		"a build without a version":  {func(c *Cluster) { c.Istiods[0].Version = "dev" }, nil},
		"the webhook is gone":        {func(c *Cluster) { c.Injectors = nil }, []string{"Injector MutatingWebhookConfiguration"}},
		"the webhook asks nobody":    {func(c *Cluster) { c.Istiods[0].Revision = "canary" }, []string{"Injector MutatingWebhookConfiguration istio-sidecar-injector"}},
		"no gateway":                 {func(c *Cluster) { c.Gateways = nil }, []string{"Gateway"}},
		"Prometheus is away":         {func(c *Cluster) { c.Prometheus.Problem = "refused" }, []string{"Prometheus"}},
		"Prometheus knows no mesh":   {func(c *Cluster) { c.Prometheus.Mesh = false }, []string{"Prometheus"}},
		"nobody asked Prometheus":    {func(c *Cluster) { c.Prometheus = Prometheus{} }, nil},
		"rights, before the install": {func(c *Cluster) { c.Weir, c.Missing = nil, []string{"create namespaces"} }, []string{"Rights", "Weir"}},
		"rights, after it":           {func(c *Cluster) { c.Missing = []string{"create namespaces"} }, nil},
		"kinds without a controller": {func(c *Cluster) { c.Weir = nil }, []string{"Weir"}},
		"the controllers are down":   {func(c *Cluster) { c.Weir.Ready = 0 }, []string{"Weir Deployment weir-controller"}},
		"one controller is down":     {func(c *Cluster) { c.Weir.Ready = 1 }, []string{"Weir Deployment weir-controller"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := healthy(t)
			tt.change(&c)
			found := Run(Snapshot{Cluster: c})
			if diff := cmp.Diff(tt.want, lines(found, Warning)); diff != "" {
				t.Errorf("-want +got\n%s\n%+v", diff, found)
			}
			for _, f := range found {
				if f.Level != Good && f.Do == "" {
					t.Errorf("nobody says what to do about %+v", f)
				}
			}
		})
	}
}

const base = `
kind: Pod
metadata: {name: page-1, labels: {app: page, version: v1, sidecar.istio.io/inject: "true"}}
spec: {containers: [{name: istio-proxy}, {name: page, ports: [{name: web, containerPort: 8080}]}]}
---
kind: Service
metadata: {name: page}
spec: {selector: {app: page}, ports: [{name: http, port: 80, targetPort: web}]}
---
`

func TestNamespace(t *testing.T) {
	for name, tt := range map[string]struct {
		more   string
		labels map[string]string // instead of istio-injection: enabled
		edit   [2]string         // of the base
		want   []string
		words  string
	}{
		"all is well":           {},
		"injection is off":      {labels: map[string]string{}, want: []string{"InjectionOff Namespace shop"}, words: "kubectl label namespace shop istio-injection=enabled"},
		"restricted pods":       {labels: map[string]string{"istio-injection": "enabled", "pod-security.kubernetes.io/enforce": "restricted"}, want: []string{"PodSecurity Namespace shop"}, words: "NET_ADMIN"},
		"privileged pods":       {labels: map[string]string{"istio-injection": "enabled", "pod-security.kubernetes.io/enforce": "privileged"}},
		"no sidecar":            {edit: [2]string{"{name: istio-proxy}, ", ""}, want: []string{"SidecarMissing Pod page-1"}, words: "kubectl -n shop delete pod page-1"},
		"no sidecar, and fine":  {edit: [2]string{`"true"}}` + "\nspec: {containers: [{name: istio-proxy}, ", `"false"}}` + "\nspec: {containers: ["}},
		"the node's network":    {edit: [2]string{"spec: {containers: [{name: istio-proxy}", "spec: {hostNetwork: true, containers: [{name: x}"}, want: []string{"HostNetwork Pod page-1"}},
		"the sidecar's user":    {edit: [2]string{"{name: page, ports", "{name: page, securityContext: {runAsUser: 1337}, ports"}, want: []string{"SidecarUser Pod page-1"}},
		"all as that user":      {edit: [2]string{"spec: {containers: [{name: istio-proxy}", "spec: {securityContext: {runAsUser: 1337}, containers: [{name: istio-proxy}"}, want: []string{"SidecarUser Pod page-1"}},
		"a port of the sidecar": {edit: [2]string{"containerPort: 8080", "containerPort: 15020"}, want: []string{"ReservedPort Pod page-1"}},
		"no labels":             {edit: [2]string{", version: v1", ""}, want: []string{"PodLabels Pod page-1"}, words: "no label version"},
		"a port without words":  {edit: [2]string{"name: http, port: 80", "port: 7000"}, want: []string{"PortUnnamed Service page, port 7000"}},
		"appProtocol says it":   {edit: [2]string{"name: http, port: 80", "appProtocol: grpc, port: 7000"}},
		"two meanings":          {more: "kind: Service\nmetadata: {name: other}\nspec: {selector: {version: v1}, ports: [{name: tcp-x, port: 81, targetPort: 8080}]}", want: []string{"PortConflict Service other, port 81"}},
		"two names, one thing":  {more: "kind: Service\nmetadata: {name: other}\nspec: {selector: {version: v1}, ports: [{name: http-x, port: 81, targetPort: 8080}]}"},
		"selects nobody":        {more: "kind: Service\nmetadata: {name: other}\nspec: {selector: {app: nobody}, ports: [{name: http, port: 81}]}", want: []string{"ServiceEmpty Service other"}},
		"no such target":        {edit: [2]string{"targetPort: web", "targetPort: wep"}, want: []string{"TargetMissing Service page, port 80"}},
		"a route to nowhere": {
			more: "kind: VirtualService\nmetadata: {name: x}\nspec: {hosts: [x], http: [{route: [{destination: {host: stock}}]}]}",
			want: []string{"HostMissing VirtualService x, spec.http[0].route[0]"},
		},
		"a route to no port": {
			more: "kind: VirtualService\nmetadata: {name: x}\nspec: {hosts: [x], http: [{route: [{destination: {host: page.shop.svc, port: {number: 8080}}}]}]}",
			want: []string{"HostMissing VirtualService x, spec.http[0].route[0]"}, words: "Service page has no port 8080",
		},
		"a mirror to no subset": {
			more: "kind: VirtualService\nmetadata: {name: x}\nspec: {hosts: [x], http: [{route: [{destination: {host: page}}], mirror: {host: page, subset: v2}}]}",
			want: []string{"SubsetMissing VirtualService x, spec.http[0].mirror"},
		},
		"a subset that is there": {
			more: "kind: VirtualService\nmetadata: {name: x}\nspec: {hosts: [x], tcp: [{route: [{destination: {host: page, subset: v1}}]}]}\n---\n" +
				"kind: DestinationRule\nmetadata: {name: x}\nspec: {host: page.shop.svc.cluster.local, subsets: [{name: v1, labels: {version: v1}}]}",
		},
		"a subset without pods": {
			more: "kind: DestinationRule\nmetadata: {name: x}\nspec: {host: page, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}",
			want: []string{"SubsetEmpty DestinationRule x, subset v2"},
		},
		"weights": {
			more: "kind: VirtualService\nmetadata: {name: x}\nspec: {hosts: [x], http: [{route: [{destination: {host: page}, weight: 50}, {destination: {host: page}, weight: 5}]}]}",
			want: []string{"WeightSum VirtualService x, spec.http[0]"},
		},
		"somebody else's route": {
			more: "kind: VirtualService\nmetadata: {name: x, namespace: shop}\nspec: {hosts: [page], http: [{route: [{destination: {host: page}}]}]}\n---\n" +
				"kind: DestinationRule\nmetadata: {name: z, namespace: shop}\nspec: {host: page}\n---\n" +
				"kind: Application\nmetadata: {name: shop, namespace: shop}\nspec: {components: [{name: page}]}",
			want: []string{"ForeignRoute VirtualService x", "ForeignRoute DestinationRule z"},
		},
		"a caller outside": {
			more: "kind: Application\nmetadata: {name: shop, namespace: shop}\nspec: {components: [{name: front, mesh: false, uses: [page]}, {name: page, strategy: careful}]}",
			want: []string{"CallerOutside Application shop, component front"},
		},
		"nobody calls": {
			more: "kind: Application\nmetadata: {name: shop, namespace: shop}\nspec: {components: [{name: page, strategy: careful}]}",
			want: []string{"Lonely Application shop, component page"},
		},
		"not ready": {
			more: "kind: Application\nmetadata: {name: shop, namespace: shop}\nspec: {components: [{name: page}]}\nstatus: {conditions: [{type: Ready, status: 'False', message: no image}]}",
			want: []string{"ApplicationNotReady Application shop"}, words: "no image",
		},
		"an orphan": {
			more: "kind: Service\nmetadata: {name: left, uid: left, labels: {weir.dev/application: gone, app.kubernetes.io/managed-by: weir}}\nspec: {}",
			want: []string{"Orphan Service left"},
		},
		"ends again and again": {
			more: "kind: Pod\nmetadata: {name: x, labels: {sidecar.istio.io/inject: 'false'}}\nspec: {}\nstatus: {containerStatuses: [{name: c, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 2}}}]}",
			want: []string{"PodFails Pod x"}, words: "kubectl -n shop logs x -c c --previous",
		},
		"ended once": {
			more: "kind: Pod\nmetadata: {name: x, labels: {sidecar.istio.io/inject: 'false'}}\nspec: {}\nstatus: {containerStatuses: [{name: c, restartCount: 1, state: {running: {}}, lastState: {terminated: {exitCode: 2}}}]}",
		},
		"no image": {
			more: "kind: Pod\nmetadata: {name: x, labels: {sidecar.istio.io/inject: 'false'}}\nspec: {}\nstatus: {containerStatuses: [{name: c, image: a/b, state: {waiting: {reason: ImagePullBackOff, message: not found}}}]}",
			want: []string{"PodFails Pod x"}, words: "has no image a/b: not found",
		},
		"no ConfigMap": {
			more: "kind: Pod\nmetadata: {name: x, labels: {sidecar.istio.io/inject: 'false'}}\nspec: {}\nstatus: {containerStatuses: [{name: c, state: {waiting: {reason: CreateContainerConfigError, message: no settings}}}]}",
			want: []string{"PodFails Pod x"}, words: "cannot be made: no settings",
		},
		"no node": {
			more: "kind: Pod\nmetadata: {name: x, labels: {sidecar.istio.io/inject: 'false'}}\nspec: {}\nstatus: {conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: too big}]}",
			want: []string{"PodFails Pod x"}, words: "no node takes pod x: too big",
		},
		"an application says it itself": {
			more: "kind: Pod\nmetadata: {name: x, labels: {sidecar.istio.io/inject: 'false', weir.dev/application: shop}}\nspec: {}\nstatus: {containerStatuses: [{name: c, state: {waiting: {reason: ErrImagePull}}}]}",
		},
		"pods are refused": {
			more: "kind: Deployment\nmetadata: {name: x}\nstatus: {conditions: [{type: ReplicaFailure, status: 'True', message: no account}]}",
			want: []string{"PodsRefused Deployment x"}, words: "no account",
		},
		"a way in that is not there": {
			more: "kind: Gateway\nmetadata: {name: in}\n---\nkind: VirtualService\nmetadata: {name: x}\nspec: {hosts: [x], gateways: [in, mesh, inn, elsewhere/in], http: [{route: [{destination: {host: page}}]}]}",
			want: []string{"GatewayMissing VirtualService x, spec.gateways"}, words: "there is no Gateway inn in shop",
		},
		"pods that are done do not count": {more: "kind: Pod\nmetadata: {name: done, labels: {sidecar.istio.io/inject: 'true'}}\nspec: {}\nstatus: {phase: Succeeded}"},
	} {
		t.Run(name, func(t *testing.T) {
			n := read(t, strings.Replace(base, tt.edit[0], tt.edit[1], 1)+tt.more)
			n.Labels = map[string]string{"istio-injection": "enabled"}
			if tt.labels != nil {
				n.Labels = tt.labels
			}
			found := Run(Snapshot{Cluster: healthy(t), Namespaces: []Namespace{n}})
			if diff := cmp.Diff(tt.want, lines(found, Warning)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			text := ""
			for _, f := range found {
				text += f.What + " " + f.Do + "\n"
				if f.Level != Good && f.Do == "" {
					t.Errorf("nobody says what to do about %+v", f)
				}
			}
			if !strings.Contains(text, tt.words) {
				t.Errorf("no %q in\n%s", tt.words, text)
			}
		})
	}
}

// TestOursIsClean shows that what Weir makes itself is never found fault with.
func TestOursIsClean(t *testing.T) {
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop", UID: "1"}}
	app.Spec.Components = []api.Component{
		{Name: "page", Image: "page:v1", Ports: []api.Port{{Port: 80, Target: 8080}}, Uses: []string{"db"}, Expose: &api.Expose{}},
		{Name: "db", Kind: api.StatefulSet, Image: "db:1", Ports: []api.Port{{Port: 5432}}},
	}
	objects, err := preview.Objects(preview.Input{Then: app})
	if err != nil {
		t.Fatal(err)
	}
	n := Namespace{Name: "shop", Labels: map[string]string{"istio-injection": "enabled"}, Applications: []api.Application{*app}}
	pod := func(template corev1.PodTemplateSpec) {
		p := corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		p.Name = template.Labels["app"]
		p.Spec.InitContainers = append(p.Spec.InitContainers, corev1.Container{Name: mesh.ProxyContainer})
		n.Pods = append(n.Pods, p)
	}
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.Service:
			n.Services = append(n.Services, *o)
		case *appsv1.Deployment:
			pod(o.Spec.Template)
		case *appsv1.StatefulSet:
			pod(o.Spec.Template)
		case *istio.VirtualService:
			n.Routes = append(n.Routes, o)
		case *istio.DestinationRule:
			n.Rules = append(n.Rules, o)
		}
	}
	if found := lines(Run(Snapshot{Cluster: healthy(t), Namespaces: []Namespace{n}}), Warning); len(found) > 0 || len(n.Pods) != 2 {
		t.Errorf("found %v", found)
	}
}

// read takes YAML documents without their apiVersion.
func read(t *testing.T, text string) Namespace {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, istio.AddToScheme, api.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	groups := map[string]string{"Deployment": "apps/v1", "Gateway": "networking.istio.io/v1", "VirtualService": "networking.istio.io/v1", "DestinationRule": "networking.istio.io/v1", "Application": "weir.dev/v1alpha1"}
	decoder := serializer.NewCodecFactory(scheme).UniversalDeserializer()
	n := Namespace{Name: "shop"}
	for document := range strings.SplitSeq(text, "---\n") {
		kind := strings.TrimPrefix(strings.SplitN(strings.TrimSpace(document), "\n", 2)[0], "kind: ")
		if kind == "" {
			continue
		}
		version := groups[kind]
		if version == "" {
			version = "v1"
		}
		o, _, err := decoder.Decode([]byte("apiVersion: "+version+"\n"+document), nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		switch o := o.(type) {
		case *corev1.Pod:
			n.Pods = append(n.Pods, *o)
		case *corev1.Service:
			n.Services = append(n.Services, *o)
			n.Objects = append(n.Objects, metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: "Service"}, ObjectMeta: o.ObjectMeta})
		case *istio.VirtualService:
			n.Routes = append(n.Routes, o)
		case *istio.DestinationRule:
			n.Rules = append(n.Rules, o)
		case *istio.Gateway:
			n.Gateways = append(n.Gateways, o.Name)
		case *appsv1.Deployment:
			n.Deployments = append(n.Deployments, *o)
		case *api.Application:
			n.Applications = append(n.Applications, *o)
		}
	}
	return n
}
