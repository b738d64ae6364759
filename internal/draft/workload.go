// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networking "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/revision"
)

// Namespace is what runs in a namespace. What belongs to an Application already is not among it.
type Namespace struct {
	Name         string
	Deployments  []appsv1.Deployment
	StatefulSets []appsv1.StatefulSet
	Services     []corev1.Service
	Routes       []*networking.VirtualService
	Gateways     []*networking.Gateway
	Ingresses    []networkingv1.Ingress
}

// Options say how workloads become components.
type Options struct {
	// Application is its name. Default: the namespace's.
	Application string
	// External leaves the workloads to whoever made them, and only governs the calls to them.
	External bool
	// Only these Services and workloads are taken; none means all. Except is left out, with the workloads of its Services.
	Only, Except []string
}

// source is a workload, whatever its kind.
type source struct {
	kind     api.Kind
	name     string
	replicas *int32
	pods     corev1.PodTemplateSpec
	claims   []corev1.PersistentVolumeClaim
	// version is what its pods say they are.
	version string
}

// Workloads drafts an Application of what runs in a namespace: a component a Service, and one for each workload that has
// none. Who calls whom is guessed from names in variables and arguments.
func Workloads(n Namespace, o Options) (*Draft, error) {
	w, err := components(n, o)
	if err != nil {
		return nil, err
	}
	w.ways()
	return w.Draft, nil
}

// components drafts them without the ways in.
func components(n Namespace, o Options) (*drafter, error) {
	w := &drafter{
		Draft: newDraft(n.Name, cmp.Or(o.Application, label(n.Name, longest), "application")), seen: n, options: o, made: map[string][]source{},
	}
	n = n.without(o.Except)
	sources := n.sources()
	served := map[string]bool{}
	for _, s := range n.Services {
		if skipped(s) || !w.wanted(s.Name) {
			continue
		}
		behind := selected(s, sources)
		if len(behind) == 0 || headless(&s) && w.twin(&s, behind) {
			continue
		}
		for _, b := range behind {
			if served[b.name] {
				w.note("", "%s %s answers for several Services; the component %s has it as well, so take one of them out", b.kind, b.name, s.Name)
			}
			served[b.name] = true
		}
		if err := w.component(s.Name, &s, behind); err != nil {
			return nil, err
		}
	}
	for _, b := range sources {
		if !served[b.name] && w.wanted(b.name) {
			if err := w.component(b.name, nil, []source{b}); err != nil {
				return nil, err
			}
		}
	}
	w.relate()
	return w, nil
}

// without is the namespace without the Services and workloads of these names, nor the workloads behind those Services.
func (n Namespace) without(names []string) Namespace {
	if len(names) == 0 {
		return n
	}
	out, gone := n, slices.Clone(names)
	for _, s := range n.Services {
		if slices.Contains(names, s.Name) && !skipped(s) {
			for _, b := range selected(s, n.sources()) {
				gone = append(gone, b.name)
			}
		}
	}
	named := func(o metav1.Object) bool { return slices.Contains(gone, o.GetName()) }
	out.Services = slices.DeleteFunc(slices.Clone(n.Services), func(s corev1.Service) bool { return named(&s) })
	out.Deployments = slices.DeleteFunc(slices.Clone(n.Deployments), func(d appsv1.Deployment) bool { return named(&d) })
	out.StatefulSets = slices.DeleteFunc(slices.Clone(n.StatefulSets), func(s appsv1.StatefulSet) bool { return named(&s) })
	return out
}

type drafter struct {
	*Draft
	seen    Namespace
	options Options
	// made is what each component was made of.
	made map[string][]source
}

func (w *drafter) wanted(name string) bool {
	return len(w.options.Only) == 0 || slices.Contains(w.options.Only, name)
}

func (n Namespace) sources() []source {
	var out []source
	for _, d := range n.Deployments {
		if !governed(&d) {
			out = append(out, source{kind: api.Deployment, name: d.Name, replicas: d.Spec.Replicas, pods: d.Spec.Template,
				version: d.Spec.Template.Labels["version"]})
		}
	}
	for _, s := range n.StatefulSets {
		if !governed(&s) {
			out = append(out, source{
				kind: api.StatefulSet, name: s.Name, replicas: s.Spec.Replicas, pods: s.Spec.Template, claims: s.Spec.VolumeClaimTemplates,
				version: s.Spec.Template.Labels["version"],
			})
		}
	}
	return out
}

// governed tells whether the object is part of an Application already.
func governed(o metav1.Object) bool { return o.GetLabels()[api.LabelApplication] != "" }

// skipped are Services that no component can take the place of.
func skipped(s corev1.Service) bool {
	return governed(&s) || len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName || s.Name == "kubernetes"
}

// selected are the workloads whose pods the Service selects, by their names.
func selected(s corev1.Service, all []source) []source {
	var out []source
	for _, b := range all {
		if labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(b.pods.Labels)) {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b source) int { return cmp.Compare(a.name, b.name) })
	return out
}

// headless tells whether the Service only gives pods names of their own.
func headless(s *corev1.Service) bool { return s.Spec.ClusterIP == corev1.ClusterIPNone }

func (w *drafter) component(name string, s *corev1.Service, behind []source) error {
	if label(name, longest) != name {
		w.note("", "%s is no name of a component, which begins with a letter and has at most %d lower case letters, "+
			"digits and dashes; it is left out", name, longest)
		return nil
	}
	live := slices.DeleteFunc(slices.Clone(behind), func(b source) bool { return b.replicas != nil && *b.replicas == 0 })
	if len(live) == 0 {
		live = behind
	}
	main := live[len(live)-1]
	if len(live) > 1 {
		var names []string
		for _, b := range live {
			names = append(names, b.name)
		}
		w.note(name, "%s answer for it together; %s is taken for the version that all requests go to, and the others get none",
			strings.Join(names, ", "), main.name)
	}
	w.made[name] = behind
	c := api.Component{Name: name}
	var err error
	if w.options.External {
		c = w.external(name, main)
	} else if c, err = w.owned(name, main); err != nil {
		return fmt.Errorf("%s %s: %w", main.kind, main.name, err)
	}
	if s != nil {
		c.Ports = w.ports(name, s, main)
	} else if len(main.pods.Spec.Containers) > 0 {
		for _, p := range ownContainer(name, main).Ports {
			made := api.Port{Port: p.ContainerPort, Protocol: spoken(p.Name, "")}
			if p.Protocol == corev1.ProtocolUDP {
				made.Protocol = port.UDP
			}
			addPort(&c, made)
		}
	}
	w.Application.Spec.Components = append(w.Application.Spec.Components, c)
	return nil
}

// twin tells whether another Service than this headless one leads to the same workloads; that one is the component then.
func (w *drafter) twin(s *corev1.Service, behind []source) bool {
	for _, other := range w.seen.Services {
		if other.Name == s.Name || skipped(other) || headless(&other) {
			continue
		}
		if slices.EqualFunc(selected(other, w.seen.sources()), behind, func(a, b source) bool { return a.name == b.name }) {
			w.note(other.Name, "Service %s gives its pods names of their own; Weir makes %s-pods for that", s.Name, other.Name)
			return true
		}
	}
	return false
}

// external is a component whose workloads stay whose they are.
func (w *drafter) external(name string, main source) api.Component {
	c := api.Component{Name: name, External: true, Version: main.version}
	if main.pods.Labels["app"] != name {
		w.note(name, "the pods of %s have no label app: %s, by which an external component knows them", main.name, name)
	}
	if main.version == "" {
		w.note(name, "the pods of %s have no label version; give them one, such as version: %s", main.name, cmp.Or(imageVersion(main), "v1"))
		c.Version = imageVersion(main)
	}
	return c
}

func imageVersion(s source) string {
	if len(s.pods.Spec.Containers) == 0 {
		return ""
	}
	return revision.Version(api.Component{Image: s.pods.Spec.Containers[0].Image}, nil)
}

func (w *drafter) owned(name string, main source) (api.Component, error) {
	own := ownContainer(name, main)
	c := api.Component{
		Name: name, Image: own.Image, Command: own.Command, Args: own.Args, Env: own.Env, EnvFrom: own.EnvFrom,
		Readiness: own.ReadinessProbe, Liveness: own.LivenessProbe, Startup: own.StartupProbe,
	}
	for _, probe := range []*corev1.Probe{c.Readiness, c.Liveness, c.Startup} {
		for _, at := range port.Probed(probe) {
			if number := target(*at, own); number != 0 {
				*at = intstr.FromInt32(number) // the name of the container's port is Weir's to give
			}
		}
	}
	if n := ptr.Deref(main.replicas, 1); n != 1 {
		c.Replicas = ptr.To(max(1, n))
	}
	if len(own.Resources.Limits)+len(own.Resources.Requests) > 0 {
		c.Resources = own.Resources.DeepCopy()
	}
	if main.version != "" && main.version != revision.Version(api.Component{Image: own.Image}, nil) {
		c.Version = main.version
	}
	if main.kind == api.StatefulSet {
		c.Kind = api.StatefulSet
	}
	for _, secret := range main.pods.Spec.ImagePullSecrets {
		c.PullSecrets = append(c.PullSecrets, secret.Name)
	}
	if said := main.pods.Labels["sidecar.istio.io/inject"]; said == "false" || main.pods.Annotations["sidecar.istio.io/inject"] == "false" {
		c.Mesh = ptr.To(false)
	}
	over := overlay{pod: rest(main.pods.Spec), container: restOf(own)}
	w.mounts(&c, &over, main, own)
	w.account(name, main)
	var err error
	if c.Template, err = over.template(name); err != nil {
		return c, err
	}
	extra := extraLabels(main.pods.Labels)
	annotations := extraAnnotations(main.pods.Annotations)
	if len(extra)+len(annotations) > 0 {
		if c.Template == nil {
			c.Template = &api.Template{}
		}
		c.Template.Labels, c.Template.Annotations = extra, annotations
	}
	return c, nil
}

func (w *drafter) account(name string, main source) {
	if account := main.pods.Spec.ServiceAccountName; account != "" && account != "default" && account != name {
		w.note(name, "its pods have run as account %s, and get one of their own, %s; whatever that account may do, and whoever lets "+
			"it in, has to know the new one", account, name)
	}
}

// ownContainer is the one that is the component: the one of its name, else the first that is no sidecar of the mesh.
func ownContainer(name string, s source) corev1.Container {
	all := slices.DeleteFunc(slices.Clone(s.pods.Spec.Containers), func(c corev1.Container) bool { return c.Name == mesh.ProxyContainer })
	for _, want := range []string{name, s.name} {
		if i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == want }); i >= 0 {
			return *all[i].DeepCopy()
		}
	}
	if len(all) == 0 {
		return corev1.Container{}
	}
	return *all[0].DeepCopy()
}
