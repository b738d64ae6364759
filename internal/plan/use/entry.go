// SPDX-License-Identifier: Apache-2.0

package use

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/port"
)

const (
	// maxName is the length of a DNS label.
	maxName = 63
	// sameNamespace is how Istio writes "the namespace of this object".
	sameNamespace = "."
)

// Entries make the hosts outside that the targets name known to the mesh, one entry a host, so that calls to them are
// counted by name and pass where the mesh lets only known hosts pass. They hold in the application's namespace.
func Entries(a *api.Application, targets []Target) []*istio.ServiceEntry {
	hosts := map[string][]Target{}
	for _, t := range targets {
		if t.Outside() {
			hosts[t.Host] = append(hosts[t.Host], t)
		}
	}
	out := make([]*istio.ServiceEntry, 0, len(hosts))
	for host, of := range hosts {
		out = append(out, entry(a, host, of))
	}
	slices.SortFunc(out, func(x, y *istio.ServiceEntry) int { return strings.Compare(x.Name, y.Name) })
	return out
}

func entry(a *api.Application, host string, of []Target) *istio.ServiceEntry {
	e := &istio.ServiceEntry{
		TypeMeta:   metav1.TypeMeta{APIVersion: istio.SchemeGroupVersion.String(), Kind: "ServiceEntry"},
		ObjectMeta: owner.Meta(a, "", entryName(a.Name, host)),
		Spec: networking.ServiceEntry{
			Hosts: []string{entryHost(a, of[0])}, Location: networking.ServiceEntry_MESH_EXTERNAL,
			Resolution: networking.ServiceEntry_DNS, ExportTo: []string{sameNamespace},
		},
	}
	if address := of[0].address(); address != "" {
		e.Spec.Addresses, e.Spec.Resolution = []string{address}, networking.ServiceEntry_NONE
	} else if of[0].wild() {
		e.Spec.Resolution = networking.ServiceEntry_NONE
	}
	slices.SortFunc(of, func(x, y Target) int { return cmp.Or(cmp.Compare(x.Port, y.Port), cmp.Compare(x.Protocol, y.Protocol)) })
	for i, t := range of {
		if i == 0 || t.Port != of[i-1].Port {
			e.Spec.Ports = append(e.Spec.Ports, &networking.ServicePort{
				Number: uint32(t.Port), Name: string(t.Protocol) + "-" + strconv.Itoa(int(t.Port)), Protocol: spoken(t.Protocol),
			})
		}
	}
	return e
}

// spoken is the protocol as entries name it. Calls by https come with TLS already, and are told apart by its greeting.
func spoken(p api.Protocol) string {
	if p == port.HTTPS {
		p = port.TLS
	}
	return strings.ToUpper(string(p))
}

// entryHost is the name of the host in the mesh; for an address, of which no name is known, one that nobody else has.
func entryHost(a *api.Application, t Target) string {
	if t.address() == "" {
		return t.Host
	}
	return strings.ReplaceAll(t.Host, ".", "-") + "." + a.Name + ".outside.weir.dev"
}

func entryName(application, host string) string {
	name := application + "-out-" + strings.Trim(strings.NewReplacer(".", "-", "*", "all").Replace(host), "-")
	if len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	tail := "-" + hex.EncodeToString(sum[:])[:10]
	return strings.TrimRight(name[:maxName-len(tail)], "-") + tail
}

// Conflicts are the faults of targets that the mesh could not tell apart, and of those it could not know.
func Conflicts(targets []Target) []error {
	var faults []error
	protocols, streams := map[string]Target{}, map[int32]Target{}
	for _, t := range targets {
		if !t.Outside() {
			continue
		}
		if t.wild() && !t.telling() {
			faults = append(faults,
				fmt.Errorf("calls by %s do not say which host they mean, so %s cannot be known from others; name each host", t.Protocol, t.Host))
			continue
		}
		at := t.Host + ":" + strconv.Itoa(int(t.Port))
		if other, ok := protocols[at]; ok && other.Protocol != t.Protocol {
			faults = append(faults, fmt.Errorf("%s is called by %s and by %s; one port speaks one protocol", at, other.Protocol, t.Protocol))
		}
		protocols[at] = t
		if t.Stream() == "" {
			continue
		}
		if other, ok := streams[t.Port]; ok && other.Host != t.Host {
			faults = append(faults,
				fmt.Errorf("%s and %s have port %d, and calls by %s do not say which of the two they mean; write their IP addresses",
					other.Host, t.Host, t.Port, t.Protocol))
		}
		streams[t.Port] = t
	}
	return faults
}
