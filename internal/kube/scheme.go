// SPDX-License-Identifier: Apache-2.0

// Package kube is the hands: it reads what the cluster holds, applies what was planned, and prunes what is left over.
package kube

import (
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	istiosec "istio.io/client-go/pkg/apis/security/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"

	api "weir.dev/weir/api/v1alpha1"
)

// Scheme returns a scheme that knows Kubernetes' built-in kinds, Istio's networking and security kinds and Weir's own.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(istionet.AddToScheme(s))
	utilruntime.Must(istiosec.AddToScheme(s))
	utilruntime.Must(api.AddToScheme(s))
	return s
}
