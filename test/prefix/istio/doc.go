// SPDX-License-Identifier: Apache-2.0

// Package istio asks Istio itself what it thinks of every prefix of our writes: its validation, which its webhook runs, of
// each object, and its analyzers, which istioctl analyze runs, of all that is stored. It is a module of its own, since
// Istio's dependencies are not to reach the product's.
package istio
