// SPDX-License-Identifier: Apache-2.0

// Package plan turns an Application into everything that the cluster and the mesh must hold for it.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
	"weir.dev/weir/internal/plan/revision"
	"weir.dev/weir/internal/plan/routing"
	"weir.dev/weir/internal/plan/workload"
)

// Object is anything that the cluster stores.
type Object interface {
	metav1.Object
	runtime.Object
}

// Input is what a plan is made from. It is not changed.
type Input struct {
	Application *api.Application
	// Components are those of the Application's spec, in its order.
	Components []Component
	// Gateway selects the pods of the ingress gateway. Default: istio=ingressgateway.
	Gateway map[string]string
	Neighbors
}

// Component is a component with the versions of it that are wanted.
type Component struct {
	// Spec is the component as the Application has it now; replicas, expose and uses count.
	Spec api.Component
	// Versions is the frozen content by version name, for every version in Wanted.
	Versions map[string]api.Component
	Wanted   []api.VersionWanted
	// Uses is what versions that have pods call besides what the spec names, Used what they were said to call before: who is
	// called may be closed to them at once, but their proxies go on knowing the way.
	Uses, Used []string
	// Counted are the versions whose pods an autoscaler counts that is not Weir's.
	Counted map[string]bool
	// Kept are the ports of the Service that was taken over; it keeps their names.
	Kept []corev1.ServicePort
	// NamedBy is the Service by which the pods of a StatefulSet that was taken over have names of their own, such as
	// database-0.database; they keep them.
	NamedBy string
	// Inherits tells whether the pods of a StatefulSet were taken over as they are. They are restarted by nobody until there
	// is another version.
	Inherits bool
}

// autoscaled tells whether the number of pods of the version is left to an autoscaler.
func (c Component) autoscaled(version string) bool {
	return c.Spec.Autoscale != nil || c.Counted[version]
}

// beyond is more than the pods that any StatefulSet has, so that none of them is changed.
const beyond int32 = 1_000_000

// kinds is the order in which objects are applied: what is named comes before what names it.
var kinds = []string{
	"ServiceAccount", "Service", "ServiceEntry", "Sidecar", "AuthorizationPolicy",
	"Deployment", "StatefulSet", "HorizontalPodAutoscaler", "Job", "CronJob", "DestinationRule", "VirtualService", "Gateway",
}

// Objects returns everything the Application is made of, in the order to apply it, by name within a kind. It fails when
// the content of a wanted version is missing or two versions come to one name. Check tells whether the result may be applied.
func Objects(in Input) ([]Object, error) {
	if in.Application == nil || in.Application.Namespace == "" {
		return nil, fmt.Errorf("plan: the application has no namespace; give it one before planning")
	}
	a := in.Application
	var objects []Object
	routed := make([]routing.Component, 0, len(in.Components))
	for i, c := range in.Components {
		frozen, err := c.frozen()
		if err != nil {
			return nil, fmt.Errorf("spec.components[%d]: %w", i, err)
		}
		r := c.routing(frozen)
		routed = append(routed, r)
		of, err := c.objects(a, frozen, r)
		if err != nil {
			return nil, fmt.Errorf("spec.components[%d]: %w", i, err)
		}
		objects = append(objects, of...)
	}
	objects = append(objects, in.relations()...)
	objects = append(objects, in.outside(routed)...)
	slices.SortStableFunc(objects, func(x, y Object) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), strings.Compare(x.GetName(), y.GetName()))
	})
	return objects, unique(objects)
}

// objects returns what belongs to the component.
func (c Component) objects(a *api.Application, frozen map[string]api.Component, r routing.Component) ([]Object, error) {
	if c.Spec.External {
		return c.rules(a, r), nil
	}
	objects := []Object{workload.ServiceAccount(a, r.Name)}
	ports := c.ports(frozen)
	if len(ports) > 0 {
		service := workload.Service(a, r.Name, ports)
		workload.KeepNames(service, c.Kept)
		objects = append(objects, service)
	}
	if c.Spec.Kind == api.StatefulSet {
		objects = append(objects, workload.Peers(a, r.Name, ports))
	}
	for _, w := range c.Wanted {
		if w.Replicas == 0 {
			continue
		}
		runs, err := runner(a, c.Spec, frozen[w.Version], w)
		if err != nil {
			return nil, err
		}
		if c.autoscaled(w.Version) {
			uncount(runs)
		}
		if set, ok := runs.(*appsv1.StatefulSet); ok {
			c.inherit(set)
		}
		objects = append(objects, runs)
		if c.Spec.Autoscale != nil {
			objects = append(objects, workload.Autoscaler(a, c.Spec, w))
		}
	}
	return append(objects, c.rules(a, r)...), nil
}

// inherit lets the StatefulSet go on with what another one left.
func (c Component) inherit(set *appsv1.StatefulSet) {
	set.Spec.ServiceName = cmp.Or(c.NamedBy, set.Spec.ServiceName)
	if c.Inherits {
		set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: ptr.To(beyond)}
	}
}

// rules are what tells callers of the component's versions.
func (c Component) rules(a *api.Application, r routing.Component) []Object {
	if !r.Routed() {
		return nil
	}
	return []Object{routing.DestinationRule(a, r), routing.VirtualService(a, r)}
}

// uncount leaves the number of pods to somebody else.
func uncount(o Object) {
	switch o := o.(type) {
	case *appsv1.Deployment:
		o.Spec.Replicas = nil
	case *appsv1.StatefulSet:
		o.Spec.Replicas = nil
	}
}

// runner returns what runs a version.
func runner(a *api.Application, spec, frozen api.Component, w api.VersionWanted) (Object, error) {
	switch frozen.Kind {
	case api.StatefulSet:
		return workload.StatefulSet(a, frozen, w)
	case api.Job:
		return workload.Job(a, frozen, w.Version)
	case api.CronJob:
		return workload.CronJob(a, frozen, w.Version, spec.Schedule)
	default:
		return workload.Deployment(a, frozen, w)
	}
}

// outside returns the way in from outside.
func (in Input) outside(components []routing.Component) []Object {
	way := routing.WayIn{Selector: in.Gateway, Certificates: in.Certificates}
	if len(way.Selector) == 0 {
		way.Selector = map[string]string{"istio": "ingressgateway"}
	}
	var objects []Object
	for _, vs := range slices.Concat(routing.Outside(in.Application, components, in.Elsewhere),
		routing.OutsideStreams(in.Application, components)) {
		objects = append(objects, vs)
	}
	if g := routing.Gateway(in.Application, components, way); g != nil && len(objects) > 0 {
		objects = append(objects, g)
	}
	return objects
}

// frozen returns the content of every wanted version.
func (c Component) frozen() (map[string]api.Component, error) {
	out := make(map[string]api.Component, len(c.Wanted))
	for _, w := range c.Wanted {
		if c.Spec.External { // only its name tells it from others
			out[w.Version] = api.Component{Name: c.Spec.Name, Ports: port.Resolve(*c.Spec.DeepCopy())}
			continue
		}
		content, ok := c.Versions[w.Version]
		if !ok {
			return nil, fmt.Errorf("version %q of component %q is wanted, but its content is not known; "+
				"its ControllerRevision is missing", w.Version, c.Spec.Name)
		}
		out[w.Version] = revision.Freeze(content)
	}
	return out, c.agree(out)
}

// agree refuses versions that speak differently at a port with a target: a Service finds targets by the port's name, which
// says what is spoken, and would leave out the pods of one of them.
func (c Component) agree(frozen map[string]api.Component) error {
	names, targeted := map[int32]string{}, map[int32]bool{}
	for _, w := range c.Wanted {
		for _, p := range frozen[w.Version].Ports {
			if w.Replicas > 0 && p.Target != 0 {
				targeted[p.Port] = true
			}
		}
	}
	for _, w := range c.Wanted {
		for _, p := range frozen[w.Version].Ports {
			name, known := names[p.Port], port.Name(p)
			if w.Replicas == 0 || !targeted[p.Port] {
				continue
			}
			if name != "" && name != known {
				return fmt.Errorf("port %d of component %q has a target, and is %s in one version and %s in another; "+
					"give the new one another number", p.Port, c.Spec.Name, name, known)
			}
			names[p.Port] = known
		}
	}
	return nil
}

// routing returns what routes are made from. A component of which no version has pods has no routes: nobody could answer.
func (c Component) routing(frozen map[string]api.Component) routing.Component {
	r := routing.Component{External: c.Spec.External, Name: c.Spec.Name, Ports: port.Streams(c.ports(frozen)), Expose: c.Spec.Expose}
	if c.pods() == 0 {
		r.Expose = nil
		return r
	}
	for _, w := range c.Wanted {
		r.Versions = append(r.Versions, routing.Version{
			Name: w.Version, Subset: w.Subset, Pods: w.Replicas > 0, Weight: w.Weight, Ports: frozen[w.Version].Ports,
			Match: w.Match, Mirror: w.Mirror, Cohorts: w.Cohorts,
		})
	}
	return r
}

func (c Component) pods() int32 {
	var sum int32
	for _, w := range c.Wanted {
		sum += w.Replicas
	}
	return sum
}

// ports returns the ports of all versions with pods, by number; of all wanted ones when none has. Where versions differ in a
// port's protocol, the greatest weight decides. A port that has a target in any version has one. Names are those of the spec,
// since they shape no pods.
func (c Component) ports(frozen map[string]api.Component) []api.Port {
	out := port.Resolve(*c.Spec.DeepCopy())
	if len(c.Wanted) > 0 {
		out = c.portsOfVersions(frozen)
	}
	for i, p := range out {
		if at := slices.IndexFunc(c.Spec.Ports, func(o api.Port) bool { return o.Port == p.Port }); at >= 0 {
			out[i].Name = c.Spec.Ports[at].Name
		}
	}
	slices.SortFunc(out, func(a, b api.Port) int { return cmp.Compare(a.Port, b.Port) })
	return out
}

func (c Component) portsOfVersions(frozen map[string]api.Component) []api.Port {
	wanted := slices.Clone(c.Wanted)
	slices.SortStableFunc(wanted, func(a, b api.VersionWanted) int { return cmp.Compare(b.Weight, a.Weight) })
	asleep := c.pods() == 0
	var out []api.Port
	for _, w := range wanted {
		for _, p := range frozen[w.Version].Ports {
			if !asleep && w.Replicas == 0 {
				continue
			}
			at := slices.IndexFunc(out, func(o api.Port) bool { return o.Port == p.Port })
			if at < 0 {
				out = append(out, p)
			} else if p.Target != 0 && out[at].Target == 0 {
				out[at].Target = out[at].Port
			}
		}
	}
	return out
}

func rank(o Object) int { return slices.Index(kinds, kind(o)) }

func kind(o Object) string { return o.GetObjectKind().GroupVersionKind().Kind }

// unique refuses two objects of one kind and name; they must stand side by side.
func unique(objects []Object) error {
	for i := 1; i < len(objects); i++ {
		x, y := objects[i-1], objects[i]
		if kind(x) == kind(y) && x.GetName() == y.GetName() {
			return fmt.Errorf("%s %s: versions of the components %q and %q come to the same name; rename one of them",
				kind(x), x.GetName(), x.GetLabels()[api.LabelComponent], y.GetLabels()[api.LabelComponent])
		}
	}
	return nil
}
