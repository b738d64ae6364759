// SPDX-License-Identifier: Apache-2.0

package part

import "slices"

// Part is one thing that the local cluster is made of.
type Part struct {
	// Name is unique among the parts.
	Name string
	// Version is the release that is pinned.
	Version string
	// Source says where it comes from: a Go module, a Python wheel, or the parts it is packed of.
	Source string
}

// List returns every part with its version, in the order in which they are made.
func List() []Part {
	var parts []Part
	for _, r := range recipes() {
		parts = append(parts, r.Part)
	}
	return parts
}

// Version is that of an image, of etcd, or of a part by its name; empty if there is no such thing.
func Version(name string) string {
	if name == "etcd" {
		return moduleVersion("kubernetes", "go.etcd.io/etcd/server/v3")
	}
	if slices.Contains(Images(), name) {
		return imageTag(name)
	}
	for _, p := range List() {
		if p.Name == name {
			return p.Version
		}
	}
	return ""
}

// Hub is the registry host in the names of the images. No such host exists: the images are imported, never pulled.
const Hub = "weir.local"

// IstioTag is the version of the images pilot and proxyv2: together with Hub it is what Istio's charts are told.
func IstioTag() string { return istioTag() }

// ImageRef returns the full name of the image in the archive of that name, such as weir.local/coredns:1.15.0.
func ImageRef(name string) string { return Hub + "/" + name + ":" + imageTag(name) }

// Images lists the names of all images.
func Images() []string { return []string{"pause", "coredns", "pilot", "proxyv2", "prometheus"} }
