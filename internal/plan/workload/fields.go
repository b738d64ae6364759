// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/robfig/cron/v3"
	corev1 "k8s.io/api/core/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "weir.dev/weir/api/v1alpha1"
)

// CheckFields returns what Kubernetes would refuse of the pods, or of what runs them, told by the fields of the component:
// names and values whose syntax the schema of the API does not know, and what does not go together.
func CheckFields(c api.Component) field.ErrorList {
	faults := checkEnv(field.NewPath("env"), c.Env)
	faults = append(faults, checkEnvFrom(c)...)
	faults = append(faults, checkMounts(c)...)
	faults = append(faults, checkResources(field.NewPath("resources"), c.Resources)...)
	faults = append(faults, checkInit(c)...)
	faults = append(faults, checkMetadata(c.Template)...)
	for _, probe := range []struct {
		name  string
		is    *corev1.Probe
		ready bool
	}{{"readiness", c.Readiness, true}, {"liveness", c.Liveness, false}, {"startup", c.Startup, false}} {
		faults = append(faults, checkProbe(field.NewPath(probe.name), probe.is, probe.ready)...)
	}
	for i, name := range c.PullSecrets {
		faults = append(faults, syntax(field.NewPath("pullSecrets").Index(i), name, validation.IsDNS1123Subdomain)...)
	}
	if c.Schedule != "" {
		faults = append(faults, checkSchedule(c.Schedule)...)
	}
	return faults
}

// syntax is one fault with all that is wrong about the text.
func syntax(at *field.Path, text string, check func(string) []string) field.ErrorList {
	if wrong := check(text); len(wrong) > 0 {
		return field.ErrorList{field.Invalid(at, text, strings.Join(wrong, "; "))}
	}
	return nil
}

func checkEnv(at *field.Path, env []corev1.EnvVar) (faults field.ErrorList) {
	for i, e := range env {
		at := at.Index(i)
		faults = append(faults, syntax(at.Child("name"), e.Name, validation.IsRelaxedEnvVarName)...)
		if e.ValueFrom == nil {
			continue
		}
		faults = append(faults, checkSource(at.Child("valueFrom"), e)...)
	}
	return faults
}

func checkSource(at *field.Path, e corev1.EnvVar) (faults field.ErrorList) {
	s := e.ValueFrom
	sources := 0
	for _, said := range []bool{s.FieldRef != nil, s.ResourceFieldRef != nil, s.ConfigMapKeyRef != nil, s.SecretKeyRef != nil,
		s.FileKeyRef != nil} {
		if said {
			sources++
		}
	}
	if sources != 1 || e.Value != "" {
		faults = append(faults, field.Invalid(at, e.Name, "say one of value, fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef"))
	}
	key := func(at *field.Path, name, key string) {
		faults = append(faults, syntax(at.Child("name"), name, validation.IsDNS1123Subdomain)...)
		faults = append(faults, syntax(at.Child("key"), key, validation.IsConfigMapKey)...)
	}
	if s.ConfigMapKeyRef != nil {
		key(at.Child("configMapKeyRef"), s.ConfigMapKeyRef.Name, s.ConfigMapKeyRef.Key)
	}
	if s.SecretKeyRef != nil {
		key(at.Child("secretKeyRef"), s.SecretKeyRef.Name, s.SecretKeyRef.Key)
	}
	if s.FieldRef != nil && !podField(s.FieldRef.FieldPath) {
		faults = append(faults, field.Invalid(at.Child("fieldRef", "fieldPath"), s.FieldRef.FieldPath,
			"this is no field of a pod that can be a variable; write metadata.name, status.podIP or another of those in Kubernetes' documentation"))
	}
	if s.FieldRef != nil && s.FieldRef.APIVersion != "" && s.FieldRef.APIVersion != "v1" {
		faults = append(faults, field.Invalid(at.Child("fieldRef", "apiVersion"), s.FieldRef.APIVersion, "write v1, or leave it out"))
	}
	return faults
}

// podFields can be variables (Kubernetes' documentation of the downward API).
var podFields = []string{
	"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
	"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
}

func podField(path string) bool {
	for _, of := range []string{"metadata.labels['", "metadata.annotations['"} {
		if key, ok := strings.CutPrefix(path, of); ok {
			key, ok = strings.CutSuffix(key, "']")
			return ok && len(validation.IsQualifiedName(strings.ToLower(key))) == 0
		}
	}
	return slices.Contains(podFields, path)
}

func checkEnvFrom(c api.Component) (faults field.ErrorList) {
	for i, from := range c.EnvFrom {
		at := field.NewPath("envFrom").Index(i)
		if from.Prefix != "" {
			faults = append(faults, syntax(at.Child("prefix"), from.Prefix, validation.IsRelaxedEnvVarName)...)
		}
		if (from.ConfigMapRef == nil) == (from.SecretRef == nil) {
			faults = append(faults, field.Invalid(at, i, "say one of configMapRef and secretRef"))
			continue
		}
		if from.ConfigMapRef != nil {
			faults = append(faults, syntax(at.Child("configMapRef", "name"), from.ConfigMapRef.Name, validation.IsDNS1123Subdomain)...)
		} else {
			faults = append(faults, syntax(at.Child("secretRef", "name"), from.SecretRef.Name, validation.IsDNS1123Subdomain)...)
		}
	}
	return faults
}

// checkMounts looks at volumes and claims together: their names and paths are those of one container.
func checkMounts(c api.Component) (faults field.ErrorList) {
	names, paths := map[string]bool{}, map[string]bool{}
	mount := func(at *field.Path, name, path string) {
		if names[name] {
			faults = append(faults, field.Invalid(at.Child("name"), name, "another volume has this name"))
		}
		if paths[path] {
			faults = append(faults, field.Invalid(at.Child("path"), path, "another volume is mounted there"))
		}
		if strings.Contains(path, ":") {
			faults = append(faults, field.Invalid(at.Child("path"), path, "a path that is mounted has no colon"))
		}
		names[name], paths[path] = true, true
	}
	for i, v := range c.Volumes {
		at := field.NewPath("volumes").Index(i)
		mount(at, v.Name, v.Path)
		for _, from := range []struct{ kind, name string }{{"configMap", v.ConfigMap}, {"secret", v.Secret}, {"claim", v.Claim}} {
			if from.name != "" {
				faults = append(faults, syntax(at.Child(from.kind), from.name, validation.IsDNS1123Subdomain)...)
			}
		}
	}
	for i, claim := range c.Claims {
		at := field.NewPath("claims").Index(i)
		mount(at, claim.Name, claim.Path)
		if claim.Size.Sign() <= 0 {
			faults = append(faults, field.Invalid(at.Child("size"), claim.Size.String(), "a volume has a size above 0"))
		}
		if claim.StorageClass != "" {
			faults = append(faults, syntax(at.Child("storageClass"), claim.StorageClass, validation.IsDNS1123Subdomain)...)
		}
	}
	return faults
}

func checkInit(c api.Component) (faults field.ErrorList) {
	for i, one := range c.Init {
		at := field.NewPath("init").Index(i)
		if one.Name == c.Name {
			faults = append(faults, field.Invalid(at.Child("name"), one.Name, "the component's own container has this name; choose another"))
		}
		if strings.ContainsAny(one.Image, " \t\r\n") {
			faults = append(faults, field.Invalid(at.Child("image"), one.Image, "an image is written without white space"))
		}
		faults = append(faults, checkEnv(at.Child("env"), one.Env)...)
	}
	return faults
}

func checkMetadata(t *api.Template) (faults field.ErrorList) {
	if t == nil {
		return nil
	}
	at := field.NewPath("template")
	faults = append(faults, metav1validation.ValidateLabels(t.Labels, at.Child("labels"))...)
	for _, key := range slices.Sorted(maps.Keys(t.Annotations)) {
		faults = append(faults, syntax(at.Child("annotations").Key(key), strings.ToLower(key), validation.IsQualifiedName)...)
	}
	return faults
}

func checkSchedule(text string) field.ErrorList {
	at := field.NewPath("schedule")
	if strings.Contains(text, "TZ") {
		return field.ErrorList{field.Invalid(at, text, "a schedule names no time zone; it is in that of the cluster")}
	}
	if _, err := cron.ParseStandard(text); err != nil {
		return field.ErrorList{field.Invalid(at, text, fmt.Sprintf("this is no schedule: %v; write five fields, such as 0 3 * * *", err))}
	}
	return nil
}
