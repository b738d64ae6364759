// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

func TestAdvise(t *testing.T) {
	resource := schema.GroupResource{Group: "weir.dev", Resource: "applications"}
	undiscovered := func(group string, err error) error {
		return &apiutil.ErrResourceDiscoveryFailed{{Group: group, Version: "v1"}: err}
	}
	refused := &url.Error{Op: "Get", URL: "https://127.0.0.1:1/apis", Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}
	notFound := apierrors.NewNotFound(resource, "")
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"may not":             {apierrors.NewForbidden(resource, "shop", errors.New("no role")), "ask an administrator for the role view or edit"},
		"is not known":        {undiscovered("weir.dev", apierrors.NewUnauthorized("")), "sign in anew"},
		"nobody there":        {undiscovered("weir.dev", refused), "is the cluster up?"},
		"no Weir":             {undiscovered("weir.dev", notFound), "weir install"},
		"an older Weir":       {&meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "weir.dev", Kind: "Strategy"}}, "weir install"},
		"no Istio":            {undiscovered("networking.istio.io", notFound), "weir check --cluster-only"},
		"says it by itself":   {errors.New("name one with -n"), "name one with -n"},
		"an end of its own\n": {errors.New("name one with -n\n"), "name one with -n"}, //nolint:revive // such ones come from libraries
	} {
		t.Run(name, func(t *testing.T) {
			got := advise(fmt.Errorf("list applications: %w", test.err))
			if !strings.HasPrefix(got, "list applications: ") || !strings.Contains(got, test.want) || strings.HasSuffix(got, "\n") {
				t.Errorf("advise() = %q, want %q in it", got, test.want)
			}
			if test.want == "name one with -n" && !strings.HasSuffix(got, test.want) {
				t.Errorf("advise() = %q, which says more than was said", got)
			}
		})
	}
}
