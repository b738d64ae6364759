// SPDX-License-Identifier: Apache-2.0

// Package part builds the third-party parts of the local cluster from pinned sources, once, and keeps them in a
// cache keyed by their versions.
package part

import "path/filepath"

// Set is a complete entry of the cache: every part of the local cluster at its pinned version.
type Set struct {
	// Dir is the absolute folder that holds bin, images and charts.
	Dir string
}

// Binary returns the path of an executable that runs on the node, such as kube-apiserver or containerd.
func (s Set) Binary(name string) string { return filepath.Join(s.Dir, "bin", name) }

// Image returns the path of a docker archive that containerd can import, such as pilot or proxyv2.
func (s Set) Image(name string) string { return filepath.Join(s.Dir, "images", name+".tar") }

// Chart returns the folder of an unmodified Istio Helm chart: base, istiod or gateway.
func (s Set) Chart(name string) string { return filepath.Join(s.Dir, "charts", name) }
