// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
	"weir.dev/weir/internal/plan/takeover"
)

// Change is one object that would be written or deleted.
type Change struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Action is create, change or delete.
	Action string `json:"action"`
	// Diff of the object's YAML, in the unified format. What is the cluster's own, such as the status, is left out.
	Diff string `json:"diff"`
}

// Objects are all that the Application of Then is made of as it stands: by its releases under way, else with the versions
// that carry the traffic alone.
func Objects(in Input) ([]plan.Object, error) {
	wanted := map[string][]api.VersionWanted{}
	for _, c := range in.Then.Spec.Components {
		if s := in.stand(c); s.Moves() && len(s.Newest.Status.Wanted) > 0 {
			wanted[c.Name] = s.Newest.Status.Wanted
		}
	}
	return in.objects(in.Then, wanted)
}

// objects are all of the Application. What is wanted of a component is what the map says, else its current version alone.
func (in Input) objects(app *api.Application, wanted map[string][]api.VersionWanted) ([]plan.Object, error) {
	if app == nil {
		return nil, nil
	}
	request := plan.Input{Application: app, Gateway: in.Gateway, Neighbors: in.Neighbors}
	for _, c := range app.Spec.Components {
		w, ok := wanted[c.Name]
		if !ok {
			w = []api.VersionWanted{{Version: in.stand(c).Current, Replicas: c.Pods(), Subset: c.SideBySide(), Weight: 100}}
		}
		request.Components = append(request.Components, plan.Component{
			Spec: c, Wanted: w, Versions: in.contents(c), Kept: takeover.KeptPorts(app, c.Name),
			NamedBy: takeover.NamedBy(app, c.Name), Inherits: takeover.Inherits(in.Pods[c.Name], in.stand(c).Current),
		})
	}
	objects, err := plan.Objects(request)
	if err != nil {
		return nil, fmt.Errorf("application %s: %w", app.Name, err)
	}
	return objects, nil
}

// contents are the kept versions of the component, and what it is now.
func (in Input) contents(c api.Component) map[string]api.Component {
	out := map[string]api.Component{}
	maps.Copy(out, in.Revisions[c.Name])
	for _, app := range []*api.Application{in.Now, in.Then} {
		if app == nil {
			continue
		}
		for _, other := range app.Spec.Components {
			if other.Name == c.Name {
				version, frozen, _ := in.version(other)
				out[version] = frozen
			}
		}
	}
	return out
}

// faults are what must not reach the mesh.
func faults(where string, objects []plan.Object) []string {
	err := plan.Check(objects)
	if err == nil {
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		out = append(out, where+line)
	}
	return out
}

// changes are those from one set of objects to another, in the order they are written; what goes, goes last.
func changes(before, after []plan.Object) ([]Change, error) {
	was, err := texts(before)
	if err != nil {
		return nil, err
	}
	is, err := texts(after)
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, o := range after {
		if c := change(o, was[key(o)], is[key(o)]); c.Diff != "" {
			out = append(out, c)
		}
	}
	for _, o := range before {
		if _, stays := is[key(o)]; !stays {
			out = append(out, change(o, was[key(o)], ""))
		}
	}
	return out, nil
}

// Between is the change of one object; before or after is nil when it comes or goes. A change without a Diff is none.
func Between(before, after plan.Object) (Change, error) {
	var texts [2]string
	o := before
	if after != nil {
		o = after
	}
	for i, side := range []plan.Object{before, after} {
		if side == nil {
			continue
		}
		var err error
		if texts[i], err = Text(side); err != nil {
			return Change{}, err
		}
	}
	return change(o, texts[0], texts[1]), nil
}

func change(o plan.Object, before, after string) Change {
	c := Change{Kind: o.GetObjectKind().GroupVersionKind().Kind, Name: o.GetName(), Action: "change"}
	switch {
	case before == "":
		c.Action = "create"
	case after == "":
		c.Action = "delete"
	}
	// An error is one of the writer, and this one writes to memory.
	c.Diff, _ = difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: lines(before), B: lines(after), FromFile: "now", ToFile: "then",
		Context: 3})
	return c
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return difflib.SplitLines(strings.TrimSuffix(text, "\n"))
}

func key(o plan.Object) string {
	return o.GetObjectKind().GroupVersionKind().Kind + "/" + o.GetName()
}

// texts is the YAML of the objects without what the cluster adds.
func texts(objects []plan.Object) (map[string]string, error) {
	out := map[string]string{}
	for _, o := range objects {
		text, err := Text(o)
		if err != nil {
			return nil, err
		}
		out[key(o)] = text
	}
	return out, nil
}

// Fields are what was planned of the object, without what the cluster adds.
func Fields(o plan.Object) (map[string]any, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key(o), err)
	}
	delete(fields, "status")
	meta, _ := fields["metadata"].(map[string]any)
	for _, field := range []string{"creationTimestamp", "generation", "managedFields", "ownerReferences", "resourceVersion", "uid"} {
		delete(meta, field)
	}
	return fields, nil
}

// Text is the object's Fields as YAML.
func Text(o plan.Object) (string, error) {
	fields, err := Fields(o)
	if err != nil {
		return "", err
	}
	text, err := yaml.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key(o), err)
	}
	return string(text), nil
}

// pods are those that the objects have at least: where an autoscaler counts them, as few as it may.
func pods(objects []plan.Object) int32 {
	least := map[string]int32{}
	for _, o := range objects {
		if h, ok := o.(*autoscalingv2.HorizontalPodAutoscaler); ok {
			least[h.Spec.ScaleTargetRef.Kind+"/"+h.Spec.ScaleTargetRef.Name] = ptr.Deref(h.Spec.MinReplicas, 1)
		}
	}
	var sum int32
	for _, o := range objects {
		var told *int32
		switch o := o.(type) {
		case *appsv1.Deployment:
			told = o.Spec.Replicas
		case *appsv1.StatefulSet:
			told = o.Spec.Replicas
		default:
			continue
		}
		fewest, counted := least[key(o)]
		if told == nil && counted {
			told = &fewest
		}
		sum += ptr.Deref(told, 1)
	}
	return sum
}
