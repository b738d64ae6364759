// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Match picks requests. All that it says must hold.
//
// +kubebuilder:validation:XValidation:rule="!has(self.headers) || self.headers.all(h, self.headers.exists_one(o, o.name.lowerAscii() == h.name.lowerAscii()))",fieldPath=".headers",message="a header is compared twice, and upper case makes no difference; put both into one regex"
// +kubebuilder:validation:XValidation:rule="!has(self.headers) || !has(self.userAgent) || !self.headers.exists(h, h.name.lowerAscii() == 'user-agent')",fieldPath=".headers",message="the header user-agent is compared by userAgent as well; say one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.headers) || !has(self.cookies) || self.cookies.size() == 0 || !self.headers.exists(h, h.name.lowerAscii() == 'cookie')",fieldPath=".headers",message="the header cookie is compared by cookies as well; say one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.headers) || self.headers.all(h, !has(h.exact) || h.exact.trim() == h.exact)",fieldPath=".headers",message="headers come without space at their ends, so this never matches; leave it out"
// +kubebuilder:validation:XValidation:rule="!has(self.cookies) || self.cookies.all(c, (!has(c.exact) || !c.exact.contains(';')) && (!has(c.prefix) || !c.prefix.contains(';')))",fieldPath=".cookies",message="a semicolon ends a cookie, so this never matches; leave it out"
// +kubebuilder:validation:XValidation:rule="!has(self.path) || (!has(self.path.exact) || self.path.exact.startsWith('/')) && (!has(self.path.prefix) || self.path.prefix.startsWith('/'))",fieldPath=".path",message="paths begin with /, so this never matches; write the slash"
// +kubebuilder:validation:XValidation:rule="!has(self.path) || (!has(self.path.exact) || !self.path.exact.matches('[?#]')) && (!has(self.path.prefix) || !self.path.prefix.matches('[?#]'))",fieldPath=".path",message="the path ends before ? and #, so this never matches; compare parameters by query"
// +kubebuilder:validation:XValidation:rule="!has(self.path) || !(has(self.path.prefix) && self.path.prefix == '/' || has(self.path.regex) && self.path.regex in ['.*', '/.*']) || [has(self.headers), has(self.cookies), has(self.query), has(self.method), has(self.userAgent), has(self.source)].exists(said, said)",fieldPath=".path",message="this would pick every request; give the step weight 100 instead"
// +kubebuilder:validation:XValidation:rule="[has(self.headers), has(self.cookies), has(self.query), has(self.path), has(self.method), has(self.userAgent), has(self.source)].exists(said, said)",message="a match says something about headers, cookies, query, path, method, userAgent or source; this one would pick every request"
type Match struct {
	// Headers that the request must have.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Headers []NamedMatch `json:"headers,omitempty"`
	// Cookies that the request must have.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	// +optional
	Cookies []NamedMatch `json:"cookies,omitempty"`
	// Query parameters that the request must have.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Query []NamedMatch `json:"query,omitempty"`
	// Path of the request, without the query.
	// +optional
	Path *StringMatch `json:"path,omitempty"`
	// Method of the request.
	// +kubebuilder:validation:Enum=GET;HEAD;OPTIONS;POST;PUT;PATCH;DELETE
	// +optional
	Method string `json:"method,omitempty"`
	// UserAgent is the header of that name, by which browsers tell what they are.
	// +optional
	UserAgent *StringMatch `json:"userAgent,omitempty"`
	// Source is the component of this application that calls.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Source string `json:"source,omitempty"`
}

// StringMatch compares a text. Exactly one way is said.
//
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.prefix), has(self.regex)].filter(said, said).size() == 1",message="say one of exact, prefix or regex"
type StringMatch struct {
	// Exact is the whole text.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Exact string `json:"exact,omitempty"`
	// Prefix is how the text begins.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Prefix string `json:"prefix,omitempty"`
	// Regex is an expression in RE2 syntax that the whole text must match.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="''.matches(self) == ''.matches(self)",message="this is no expression in RE2 syntax; correct it"
	// +optional
	Regex string `json:"regex,omitempty"`
}

// NamedMatch compares the value of what has a name.
//
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.prefix), has(self.regex)].filter(said, said).size() == 1",message="say one of exact, prefix or regex"
type NamedMatch struct {
	// Name of the header, cookie or query parameter. Headers are compared without regard to case.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`
	Name        string `json:"name"`
	StringMatch `json:",inline"`
}

// Mirror sends copies of requests, whose answers are measured and thrown away.
type Mirror struct {
	// Percent of the requests that are copied. Default: 100.
	// +kubebuilder:default=100
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Percent int32 `json:"percent,omitempty"`
	// Methods that are copied: Safe ones (GET, HEAD and OPTIONS) change nothing twice. Default: Safe.
	// +kubebuilder:default=Safe
	// +optional
	Methods MirrorMethods `json:"methods,omitempty"`
}

// MirrorMethods says which requests are copied.
//
// +kubebuilder:validation:Enum=Safe;All
type MirrorMethods string

// Which requests are copied.
const (
	MirrorSafe MirrorMethods = "Safe"
	MirrorAll  MirrorMethods = "All"
)

// Sticky keeps users with the version that answered them, by a cookie that callers hand on.
type Sticky struct {
	// Cookie is its name. Default: weir-<component>.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]+$`
	// +optional
	Cookie string `json:"cookie,omitempty"`
	// MaxAge is how long a browser keeps it. Default: 24h.
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="maxAge lies between 1s and 8760h"
	// +optional
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`
}
