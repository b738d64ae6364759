// SPDX-License-Identifier: Apache-2.0

// Package harm writes one object of every kind that Kubernetes brings along, to see whether anybody stands in the way.
package harm

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"
)

//go:embed kinds.yaml
var kinds string

// Round is one walk through all kinds.
type Round struct {
	// Name is part of the names of all objects.
	Name string
	// Namespaces that each object of a kind that has one is written in.
	Namespaces []string
	// Without is how the groups end whose kinds are left out; empty leaves out none.
	Without string
}

// Walk creates, changes and deletes an object of each kind. It returns the kinds, and what kept it from writing.
func (r Round) Walk(ctx context.Context, c client.Client) ([]schema.GroupKind, error) {
	request, err := signingRequest()
	if err != nil {
		return nil, err
	}
	name := "harm-" + r.Name
	var done []schema.GroupKind
	var faults []error
	for document := range strings.SplitSeq(strings.ReplaceAll(kinds, "REQUEST", request), "\n---\n") {
		first, err := object(document, name, "")
		if err != nil {
			return done, err
		}
		if r.Without != "" && strings.HasSuffix(first.GroupVersionKind().Group, r.Without) {
			continue
		}
		namespaced, err := apiutil.IsObjectNamespaced(first, c.Scheme(), c.RESTMapper())
		if err != nil {
			return done, fmt.Errorf("%w in %s", err, document)
		}
		places := r.Namespaces
		if !namespaced {
			places = []string{""}
		}
		for _, namespace := range places {
			o, err := object(document, name, namespace)
			if err == nil {
				err = write(ctx, c, o)
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("%s in namespace %q: %w", first.GetKind(), namespace, err))
			}
		}
		done = append(done, first.GroupVersionKind().GroupKind())
	}
	return done, errors.Join(faults...)
}

// object is that of the document, for the namespace.
func object(document, name, namespace string) (*unstructured.Unstructured, error) {
	text := strings.ReplaceAll(strings.ReplaceAll(document, "NAMESPACE", namespace), "NAME", name)
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		return nil, fmt.Errorf("%w in %s", err, text)
	}
	o.SetNamespace(namespace)
	if o.GetName() == "" && !isReview(o) {
		o.SetName(name)
	}
	return o, nil
}

// isReview tells whether the object is a question, which nobody keeps.
func isReview(o *unstructured.Unstructured) bool { return strings.HasSuffix(o.GetKind(), "Review") }

// write creates, changes and deletes the object, as far as its kind can be.
func write(ctx context.Context, c client.Client, o *unstructured.Unstructured) error {
	if err := c.Create(ctx, o); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if isReview(o) {
		return nil
	}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"harm":"none"}}}`))
	if err := c.Patch(ctx, o, patch); err != nil {
		return fmt.Errorf("change: %w", err)
	}
	if err := c.Delete(ctx, o, client.GracePeriodSeconds(0)); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return letGo(ctx, c, o)
}

// letGo takes away what would hold a deleted object for a controller that does not run.
func letGo(ctx context.Context, c client.Client, o *unstructured.Unstructured) error {
	err := c.Patch(ctx, o, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))
	if apierrors.IsNotFound(err) || o.GetKind() == "Namespace" {
		return nil
	}
	return client.IgnoreNotFound(err)
}

func signingRequest() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})), nil
}
