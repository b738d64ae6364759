// SPDX-License-Identifier: Apache-2.0

// Package revision freezes a state of a component and gives it its version name.
package revision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

const (
	// maxVersion leaves room for a component's name in the names made from a version.
	maxVersion = 40
	// maxName is the length of a DNS label (RFC 1123).
	maxName = 63
	// hashLength is enough to tell the few versions of one component apart.
	hashLength = 5
	// digestLength is how much of an image digest is shown when there is no tag.
	digestLength = 12
)

// Freeze returns what makes a version of the component: whatever shapes its pods. Defaults are filled in, so that saying a
// default aloud makes no new version. Freezing twice changes nothing.
func Freeze(c api.Component) api.Component {
	c = *c.DeepCopy()
	if c.External {
		return api.Component{Name: c.Name, Version: base(c), Mesh: ptr.To(ptr.Deref(c.Mesh, true)), External: true}
	}
	out := api.Component{
		Name: c.Name, Kind: c.Kind, Image: c.Image, Version: base(c), Command: c.Command, Args: c.Args, Env: c.Env,
		EnvFrom: c.EnvFrom, Volumes: c.Volumes, Claims: c.Claims, Init: c.Init, PullSecrets: c.PullSecrets,
		Ports: port.Resolve(c), Resources: c.Resources, Readiness: numbered(c, c.Readiness),
		Liveness: numbered(c, c.Liveness), Startup: numbered(c, c.Startup),
		Template: canonical(c.Template), Mesh: ptr.To(ptr.Deref(c.Mesh, true)),
	}
	if out.Kind == api.Deployment {
		out.Kind = "" // as in versions that were kept before there were other kinds
	}
	if equality.Semantic.DeepEqual(out.Resources, &corev1.ResourceRequirements{}) {
		out.Resources = nil
	}
	return out
}

// canonical writes the template's spec as the API server would, so that how it was written makes no new version.
func canonical(t *api.Template) *api.Template {
	if t == nil || t.Spec == nil {
		return t
	}
	var spec any
	if err := utiljson.Unmarshal(t.Spec.Raw, &spec); err != nil {
		return t // refused before anything is made of it
	}
	text, err := utiljson.Marshal(spec)
	if err != nil {
		return t
	}
	t.Spec = &runtime.RawExtension{Raw: text}
	return t
}

// Version returns the name of the version that c is, a DNS label of at most 40 characters: an existing one with the same
// frozen content; else spec.version or the image tag (dots become dashes; "latest" when there is none; 12 characters of the
// digest when there is only that); else that with a hash of the content when the name is taken. existing is frozen content
// by version name.
func Version(c api.Component, existing map[string]api.Component) string {
	frozen := Freeze(c)
	want := frozen.Version
	names := make([]string, 0, len(existing))
	for name := range existing {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return nearer(want, a, b) })
	for _, name := range names {
		if equality.Semantic.DeepEqual(frozen, Freeze(existing[name])) {
			return name
		}
	}
	if _, taken := existing[want]; !taken {
		return want // most often, and then nobody needs the hash
	}
	return free(want, hash(frozen), existing)
}

// Name is the name of what is made of a version, such as reviews-v2: a DNS label of at most 63 characters.
func Name(component, version string) string {
	name := component + "-" + label(version)
	if len(name) <= maxName {
		return name
	}
	tail := "-" + sum(name)[:2*hashLength]
	return strings.TrimRight(name[:maxName-len(tail)], "-") + tail
}

// nearer sorts the wanted name first, then by name.
func nearer(want, a, b string) int {
	if a == want || b == want {
		return map[bool]int{true: -1, false: 1}[a == want]
	}
	return strings.Compare(a, b)
}

// free lengthens the name by as much of the hash as makes it unused.
func free(want, hash string, existing map[string]api.Component) string {
	name := want
	for n := hashLength; n <= len(hash); n++ {
		if _, taken := existing[name]; !taken {
			return name
		}
		name = strings.TrimRight(want[:min(len(want), maxVersion-n-1)], "-") + "-" + hash[:n]
	}
	return name
}

// base is the version name before anything is known of other versions.
func base(c api.Component) string {
	if c.Version != "" {
		return shorten(label(c.Version))
	}
	image, digest, _ := strings.Cut(c.Image, "@")
	last := image[strings.LastIndex(image, "/")+1:]
	if _, tag, ok := strings.Cut(last, ":"); ok && label(tag) != "" {
		return shorten(label(tag))
	}
	if _, sum, ok := strings.Cut(digest, ":"); ok && label(sum) != "" {
		return label(sum[:min(len(sum), digestLength)])
	}
	return "latest"
}

// label turns text into a DNS label, which is what Istio takes as the name of a subset.
func label(s string) string {
	mapped := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
	return strings.Trim(mapped, "-")
}

func shorten(version string) string {
	if len(version) <= maxVersion {
		return version
	}
	tail := "-" + sum(version)[:hashLength]
	return strings.TrimRight(version[:maxVersion-len(tail)], "-") + tail
}

func hash(c api.Component) string {
	text, err := json.Marshal(c)
	if err != nil {
		return sum(c.Image) // cannot happen: a component is plain data
	}
	return sum(string(text))[:maxVersion/2]
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}
