// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Expose is the way into a component from outside: by HTTP, at the gateway's port 80, with HTTP/2 and gRPC for those who
// speak them; by HTTPS when there is a certificate; or by TCP at a port of the gateway's.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tcp) || !(has(self.hosts) || has(self.paths) || has(self.tls) || has(self.cors))",message="connections that are passed on as they are have no hosts, paths, tls or cors; leave them out, or leave out tcp"
type Expose struct {
	// Hosts are the host names answered. Default: all.
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([*]|([*][.])?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*)$')",message="write a host name, such as shop.example, or *.shop.example for all names below it, or * for every name"
	// +optional
	Hosts []string `json:"hosts,omitempty"`
	// Paths are the path prefixes answered. Default: all.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Pattern=`^/`
	// +kubebuilder:validation:items:MaxLength=256
	// +optional
	Paths []string `json:"paths,omitempty"`
	// Port is the component's port that requests are sent to. Default: its first that takes them.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port int32 `json:"port,omitempty"`
	// TLS answers the hosts by HTTPS as well, at the gateway's port 443.
	// +optional
	TLS *ExposeTLS `json:"tls,omitempty"`
	// CORS lets pages of other origins call the component from browsers.
	// +optional
	CORS *CORS `json:"cors,omitempty"`
	// TCP is the port of the gateway at which connections are passed on to the component as they are, for what does not speak
	// HTTP, such as 5432 for a database. The gateway's Service needs the port as well.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="!(self in [80, 443, 15000, 15001, 15004, 15006, 15008, 15020, 15021, 15053, 15090])",message="80 and 443 are taken by HTTP, and the numbers around 15000 by the gateway itself; choose another"
	// +optional
	TCP int32 `json:"tcp,omitempty"`
}

// ExposeTLS is how hosts are answered by HTTPS.
type ExposeTLS struct {
	// Secret, in the application's namespace, that holds certificate and key as tls.crt and tls.key, as kubectl create secret
	// tls and cert-manager make it. A new content is served within a minute.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Secret string `json:"secret"`
	// Redirect sends those who ask by plain HTTP to HTTPS. When it is false, both are answered. Default: true.
	// +kubebuilder:default=true
	// +optional
	Redirect *bool `json:"redirect,omitempty"`
}

// Redirects tells whether those who ask by plain HTTP are sent to HTTPS.
func (t *ExposeTLS) Redirects() bool { return t.Redirect == nil || *t.Redirect }

// CORS says which pages of other origins may call, and how (https://fetch.spec.whatwg.org/#http-cors-protocol).
//
// +kubebuilder:validation:XValidation:rule="!has(self.credentials) || !self.credentials || !('*' in self.origins)",message="with credentials browsers take no answer to every origin; name the origins"
type CORS struct {
	// Origins of the pages, such as https://shop.example, or https://*.shop.example for all names below it, or * for any.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=270
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([*]|https?://([*][.])?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*(:[0-9]{1,5})?)$')",message="write an origin, such as https://shop.example or https://*.shop.example:8443, without a path, or * for any"
	Origins []string `json:"origins"`
	// Methods that pages may use. Default: GET, HEAD and POST.
	// +listType=set
	// +kubebuilder:validation:MaxItems=9
	// +kubebuilder:validation:items:Enum=GET;HEAD;POST;PUT;PATCH;DELETE;OPTIONS;CONNECT;TRACE
	// +optional
	Methods []string `json:"methods,omitempty"`
	// Headers that pages may send besides those that browsers allow anyway.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=100
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`
	// +optional
	Headers []string `json:"headers,omitempty"`
	// ExposedHeaders of answers that pages may read besides those that browsers show anyway.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=100
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`
	// +optional
	ExposedHeaders []string `json:"exposedHeaders,omitempty"`
	// Credentials lets browsers send cookies and authorization with such calls. Default: false.
	// +optional
	Credentials bool `json:"credentials,omitempty"`
	// MaxAge is how long browsers remember the answer to what they ask before. Default: 10m.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="browsers remember for 1s to 24h"
	// +optional
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`
}
