// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	api "weir.dev/weir/api/v1alpha1"
)

// advise is what to say of an error that ends a command: the error in one line, and what the user can do about those that
// every command may meet.
func advise(err error) string {
	text := strings.TrimSpace(err.Error())
	if what := wayOut(err); what != "" {
		return text + "; " + what
	}
	return text
}

// wayOut is empty where the error says by itself what to do, or nothing is known.
func wayOut(err error) string {
	var network net.Error
	var kind *meta.NoKindMatchError
	var resource *meta.NoResourceMatchError
	switch {
	case apierrors.IsForbidden(err):
		return "ask an administrator for the role view or edit in the namespace, or use another account with --context or --kubeconfig"
	case apierrors.IsUnauthorized(err):
		return "the cluster does not know you: sign in anew, or use another account with --context or --kubeconfig"
	case errors.As(err, &kind):
		return howToHave(kind.GroupKind.Group)
	case errors.As(err, &resource):
		return howToHave(resource.PartialResource.Group)
	case errors.As(err, &network):
		return "is the cluster up? Start it, or name another with --kubeconfig or --context"
	}
	return ""
}

// howToHave says what brings the kinds of a group into a cluster.
func howToHave(group string) string {
	if group == api.GroupVersion.Group {
		return "Weir is not installed in this cluster, or not in full: weir install"
	}
	return "the cluster does not have what this needs; see: weir check --cluster-only"
}
