// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// steady lets each port of a Service keep the name that it has live: for a moment after another name, proxies know of no pod
// at the port. A port that is new and would have the name of another one there is named by its number.
func steady(o Object, live []Object) Object {
	wanted, ok := o.(*corev1.Service)
	if !ok {
		return o
	}
	was, ok := liveOf(wanted, live)
	if !ok {
		return o
	}
	out := wanted
	for i, p := range wanted.Spec.Ports {
		name := steadyName(p, was.Spec.Ports)
		if name == p.Name {
			continue
		}
		if out == wanted {
			out = wanted.DeepCopy()
		}
		out.Spec.Ports[i].Name = name
	}
	return out
}

func steadyName(p corev1.ServicePort, live []corev1.ServicePort) string {
	said := protocolOf(p)
	for _, l := range live {
		if l.Port == p.Port && cmp.Or(l.Protocol, corev1.ProtocolTCP) == cmp.Or(p.Protocol, corev1.ProtocolTCP) {
			if strings.HasPrefix(l.Name, said+"-") {
				return l.Name
			}
			return p.Name
		}
	}
	if slices.ContainsFunc(live, func(l corev1.ServicePort) bool { return l.Name == p.Name }) {
		return said + "-" + strconv.Itoa(int(p.Port))
	}
	return p.Name
}

// protocolOf is what the port's name begins with.
func protocolOf(p corev1.ServicePort) string {
	if p.AppProtocol != nil {
		return *p.AppProtocol
	}
	return strings.ToLower(string(cmp.Or(p.Protocol, corev1.ProtocolTCP)))
}
