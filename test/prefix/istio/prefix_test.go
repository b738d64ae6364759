// SPDX-License-Identifier: Apache-2.0

package istio

import (
	"maps"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	clientnet "istio.io/client-go/pkg/apis/networking/v1"
	clientsec "istio.io/client-go/pkg/apis/security/v1"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/analysis"
	"istio.io/istio/pkg/config/analysis/analyzers/virtualservice"
	"istio.io/istio/pkg/config/analysis/diag"
	"istio.io/istio/pkg/config/analysis/legacy/source/kube"
	"istio.io/istio/pkg/config/resource"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/config/validation"
	corev1 "k8s.io/api/core/v1"

	"weir.dev/weir/internal/plan"
	"weir.dev/weir/test/prefix"
)

// TestIstioValidatesEveryWrite holds each object that is written against the validation that Istio's webhook runs.
func TestIstioValidatesEveryWrite(t *testing.T) {
	writes := 0
	for seed := range uint64(30) {
		err := prefix.Walk(seed, 40, func(when string, _ prefix.Stored, written plan.Object) {
			valid := validator(written)
			if valid == nil {
				return
			}
			writes++
			if warning, err := valid(); err != nil || warning != nil {
				t.Errorf("%s: %v %v", when, err, warning)
			}
		})
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
	}
	t.Logf("%d writes of Istio's objects, each valid", writes)
	if writes < 3000 {
		t.Errorf("only %d writes, want 3000", writes)
	}
}

// validator is how Istio validates the object; nil when it is none of Istio's.
func validator(o plan.Object) func() (warning, err error) {
	c, known := configOf(o)
	if !known {
		return nil
	}
	validate := map[config.GroupVersionKind]validation.ValidateFunc{
		gvk.VirtualService: validation.ValidateVirtualService, gvk.DestinationRule: validation.ValidateDestinationRule,
		gvk.Gateway: validation.ValidateGateway, gvk.ServiceEntry: validation.ValidateServiceEntry,
		gvk.Sidecar: validation.ValidateSidecar, gvk.AuthorizationPolicy: validation.ValidateAuthorizationPolicy,
	}[c.GroupVersionKind]
	if validate == nil {
		return nil
	}
	return func() (warning, err error) { return validate(c) }
}

// configOf is the object as Istio has it; unknown when it is none of Istio's.
func configOf(o plan.Object) (config.Config, bool) {
	of := func(kind config.GroupVersionKind, spec config.Spec) (config.Config, bool) {
		return config.Config{Meta: config.Meta{GroupVersionKind: kind, Namespace: o.GetNamespace(), Name: o.GetName()}, Spec: spec}, true
	}
	switch o := o.(type) {
	case *clientnet.VirtualService:
		return of(gvk.VirtualService, proto.CloneOf(&o.Spec))
	case *clientnet.DestinationRule:
		return of(gvk.DestinationRule, proto.CloneOf(&o.Spec))
	case *clientnet.Gateway:
		return of(gvk.Gateway, proto.CloneOf(&o.Spec))
	case *clientnet.ServiceEntry:
		return of(gvk.ServiceEntry, proto.CloneOf(&o.Spec))
	case *clientnet.Sidecar:
		return of(gvk.Sidecar, proto.CloneOf(&o.Spec))
	case *clientsec.AuthorizationPolicy:
		return of(gvk.AuthorizationPolicy, proto.CloneOf(&o.Spec))
	case *corev1.Service:
		return of(gvk.Service, o.Spec.DeepCopy())
	default:
		return config.Config{}, false
	}
}

// TestIstioAnalyzesEveryPrefix lets Istio look for what does not fit together: hosts, ports and subsets that are not there,
// and hosts with two writers. It is not asked about gateways: the way in opens last, on purpose.
func TestIstioAnalyzesEveryPrefix(t *testing.T) {
	prefixes := 0
	for seed := range uint64(10) {
		err := prefix.Walk(seed, 40, func(when string, stored prefix.Stored, _ plan.Object) {
			prefixes++
			for _, fault := range analyze(stored) {
				t.Errorf("%s: %s", when, fault)
			}
		})
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
	}
	t.Logf("%d prefixes, nothing found", prefixes)
	if prefixes < 3000 {
		t.Errorf("only %d prefixes, want 3000", prefixes)
	}
}

// TestIstioSees has prefixes that Istio must find fault with.
func TestIstioSees(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*clientnet.VirtualService, *clientnet.DestinationRule)
		want  string
	}{
		"a subset that is missing": {func(_ *clientnet.VirtualService, d *clientnet.DestinationRule) { d.Spec.Subsets = nil }, "host+subset in destinationrule"},
		"weights that are negative": {func(v *clientnet.VirtualService, _ *clientnet.DestinationRule) {
			v.Spec.Http = []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{{Weight: -1, Destination: &networking.Destination{Host: "a"}}}}}
		}, "weight"},
		"a host that is missing": {func(v *clientnet.VirtualService, _ *clientnet.DestinationRule) {
			v.Spec.Http[0].Route[0].Destination.Host = "nobody.shop.svc.cluster.local"
		}, "host"},
	} {
		t.Run(name, func(t *testing.T) {
			said := ""
			err := prefix.Walk(1, 40, func(_ string, stored prefix.Stored, _ plan.Object) {
				for _, o := range stored {
					v, ok := o.(*clientnet.VirtualService)
					if !ok || said != "" || len(v.Spec.Http) == 0 || v.Spec.Http[0].Route[0].Destination.Subset == "" {
						continue
					}
					d, ok := stored["DestinationRule "+v.Name].(*clientnet.DestinationRule)
					if !ok {
						continue
					}
					changed := maps.Clone(stored)
					v, d = v.DeepCopy(), d.DeepCopy()
					c.spoil(v, d)
					changed["VirtualService "+v.Name], changed["DestinationRule "+v.Name] = v, d
					if _, err := validator(v)(); err != nil {
						said = err.Error()
					}
					said += strings.Join(analyze(changed), "\n")
				}
			})
			if err != nil || !strings.Contains(said, c.want) {
				t.Errorf("%v; it says %q, want %q", err, said, c.want)
			}
		})
	}
}

// analyze is what the analyzers say, in words.
func analyze(stored prefix.Stored) []string {
	c := look{}
	for _, o := range stored {
		if as, known := configOf(o); known {
			c.add(as)
		}
	}
	return c.analyze()
}

// analyze is what the analyzers say of it all.
func (l look) analyze() []string {
	var said findings
	at := struct {
		look
		*findings
	}{l, &said}
	for _, a := range []analysis.Analyzer{
		&virtualservice.DestinationHostAnalyzer{}, &virtualservice.DestinationRuleAnalyzer{},
		&virtualservice.ConflictingMeshGatewayHostsAnalyzer{},
	} {
		a.Analyze(at)
	}
	return said.words
}

// findings are what analyzers report.
type findings struct{ words []string }

func (f *findings) Report(_ config.GroupVersionKind, m diag.Message) {
	f.words = append(f.words, m.String())
}

func (f *findings) SetAnalyzer(string) {}

func (f *findings) Canceled() bool { return false }

// look is what analyzers look at.
type look map[config.GroupVersionKind]map[resource.FullName]*resource.Instance

func (l look) add(c config.Config) {
	name := resource.NewFullName(resource.Namespace(c.Namespace), resource.LocalName(c.Name))
	if l[c.GroupVersionKind] == nil {
		l[c.GroupVersionKind] = map[resource.FullName]*resource.Instance{}
	}
	l[c.GroupVersionKind][name] = &resource.Instance{
		Metadata: resource.Metadata{FullName: name}, Message: c.Spec, Origin: &kube.Origin{Type: c.GroupVersionKind, FullName: name},
	}
}

func (l look) Find(kind config.GroupVersionKind, name resource.FullName) *resource.Instance {
	return l[kind][name]
}

func (l look) Exists(kind config.GroupVersionKind, name resource.FullName) bool {
	return l[kind][name] != nil
}

func (l look) ForEach(kind config.GroupVersionKind, each analysis.IteratorFn) {
	for _, o := range l[kind] {
		if !each(o) {
			return
		}
	}
}
