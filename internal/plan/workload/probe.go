// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkProbe looks at numbers, and at what is asked; a port's name is looked up elsewhere.
func checkProbe(at *field.Path, p *corev1.Probe, ready bool) (faults field.ErrorList) {
	if p == nil {
		return nil
	}
	for _, number := range []struct {
		name string
		is   int32
	}{
		{"initialDelaySeconds", p.InitialDelaySeconds}, {"timeoutSeconds", p.TimeoutSeconds}, {"periodSeconds", p.PeriodSeconds},
		{"successThreshold", p.SuccessThreshold}, {"failureThreshold", p.FailureThreshold},
	} {
		if number.is < 0 {
			faults = append(faults, field.Invalid(at.Child(number.name), number.is, "a number here is not negative"))
		}
	}
	if !ready && p.SuccessThreshold > 1 {
		faults = append(faults, field.Invalid(at.Child("successThreshold"), p.SuccessThreshold,
			"only readiness waits for more than one success; leave it out"))
	}
	if grace := p.TerminationGracePeriodSeconds; grace != nil && (ready || *grace <= 0) {
		faults = append(faults, field.Invalid(at.Child("terminationGracePeriodSeconds"), *grace, "this is above 0, and not for readiness"))
	}
	switch {
	case p.HTTPGet != nil:
		faults = append(faults, checkHTTP(at.Child("httpGet"), p.HTTPGet)...)
	case p.TCPSocket != nil:
		faults = append(faults, checkPort(at.Child("tcpSocket", "port"), p.TCPSocket.Port)...)
	case p.GRPC != nil:
		faults = append(faults, checkPort(at.Child("grpc", "port"), intstr.FromInt32(p.GRPC.Port))...)
	case p.Exec != nil && len(p.Exec.Command) == 0:
		faults = append(faults, field.Required(at.Child("exec", "command"), "say what is run"))
	}
	return faults
}

func checkHTTP(at *field.Path, h *corev1.HTTPGetAction) field.ErrorList {
	faults := checkPort(at.Child("port"), h.Port)
	if h.Scheme != "" && h.Scheme != corev1.URISchemeHTTP && h.Scheme != corev1.URISchemeHTTPS {
		faults = append(faults, field.Invalid(at.Child("scheme"), h.Scheme, "write HTTP or HTTPS"))
	}
	for i, header := range h.HTTPHeaders {
		faults = append(faults, syntax(at.Child("httpHeaders").Index(i).Child("name"), header.Name, validation.IsHTTPHeaderName)...)
	}
	return faults
}

func checkPort(at *field.Path, p intstr.IntOrString) field.ErrorList {
	if wrong := validation.IsValidPortNum(int(p.IntVal)); p.Type == intstr.Int && len(wrong) > 0 {
		return field.ErrorList{field.Invalid(at, p.IntVal, strings.Join(wrong, "; "))}
	}
	return nil
}

// standard are the resources of containers that have no prefix.
var standard = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}

func checkResources(at *field.Path, r *corev1.ResourceRequirements) (faults field.ErrorList) {
	if r == nil {
		return nil
	}
	for _, list := range []struct {
		kind string
		of   corev1.ResourceList
	}{{"requests", r.Requests}, {"limits", r.Limits}} {
		for _, name := range slices.Sorted(maps.Keys(list.of)) {
			at, amount := at.Child(list.kind).Key(string(name)), list.of[name]
			plain := slices.Contains(standard, name) || strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
			if !plain && !strings.Contains(string(name), "/") {
				faults = append(faults, field.Invalid(at, name, "there is no such resource; write cpu, memory, ephemeral-storage or one with a prefix"))
			}
			faults = append(faults, syntax(at, string(name), validation.IsQualifiedName)...)
			if amount.Sign() < 0 {
				faults = append(faults, field.Invalid(at, amount.String(), "an amount is not negative"))
			}
			most, limited := r.Limits[name]
			if list.kind == "requests" && limited && amount.Cmp(most) > 0 {
				faults = append(faults, field.Invalid(at, amount.String(), fmt.Sprintf("this is above the limit, %s", most.String())))
			}
		}
	}
	return faults
}
