// SPDX-License-Identifier: Apache-2.0

package application

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

const (
	// labelLender and labelLenderNamespace name the Application whose certificate was copied to the gateway.
	labelLender, labelLenderNamespace = "weir.dev/lender", "weir.dev/lender-namespace"
	// renewed is how often certificates are read anew, lackAgain how often one that is missing is looked for.
	renewed, lackAgain = time.Minute, 3 * time.Second
)

// lackError says that something is missing that somebody else has to bring, whose coming nobody tells.
type lackError struct{ error }

func (e lackError) Unwrap() error { return e.error }

// certify lets the gateway have the certificates that the Application names. It reads Secrets of its own namespace alone, so
// each is copied there under a name made from its content: a new certificate is there before the gateway is told of it.
func (r *Reconciler) certify(ctx context.Context, s *snapshot) error {
	s.certificates = map[string]string{}
	for _, c := range s.app.Spec.Components {
		if c.Expose == nil || c.Expose.TLS == nil || s.certificates[c.Expose.TLS.Secret] != "" {
			continue
		}
		name, err := r.lend(ctx, *s, c.Expose.TLS.Secret)
		if err != nil {
			return lackError{fmt.Errorf("nothing was changed: spec.components[%s].expose.tls.secret: %w", c.Name, err)}
		}
		s.certificates[c.Expose.TLS.Secret] = name
	}
	return nil
}

// lend copies one certificate, and returns the name of the copy. What was lent before serves on while it cannot be renewed.
func (r *Reconciler) lend(ctx context.Context, s snapshot, name string) (string, error) {
	var secret corev1.Secret
	err := r.Reader.Get(ctx, client.ObjectKey{Namespace: s.app.Namespace, Name: name}, &secret)
	if err == nil {
		if _, pairErr := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]); pairErr != nil {
			err = fmt.Errorf("the Secret %s holds no certificate with its key: %w", name, pairErr)
		}
	} else if apierrors.IsNotFound(err) {
		err = fmt.Errorf("there is no Secret %s in namespace %s; kubectl create secret tls %s --cert=FILE --key=FILE makes it", name,
			s.app.Namespace, name)
	}
	if err == nil && s.gateway.Namespace == "" {
		err = fmt.Errorf("the gateway is not running, so no certificate can be given to it")
	}
	if err != nil {
		if before, lentErr := r.lent(ctx, s, name); lentErr == nil && before != "" {
			return before, nil
		}
		return "", err
	}
	loan := loanOf(s, secret)
	if err := r.Reader.Get(ctx, client.ObjectKeyFromObject(loan), &corev1.Secret{}); err == nil {
		return loan.Name, nil
	}
	if err := r.Client.Create(ctx, loan); err != nil && !apierrors.IsAlreadyExists(err) {
		return "", fmt.Errorf("copy it to the gateway's namespace %s: %w", s.gateway.Namespace, err)
	}
	return loan.Name, nil
}

// loanOf is the copy for the gateway.
func loanOf(s snapshot, secret corev1.Secret) *corev1.Secret {
	sum := sha256.New()
	for _, part := range [][]byte{
		[]byte(s.app.UID), []byte(secret.Name), secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey],
	} {
		fmt.Fprintf(sum, "%d ", len(part))
		sum.Write(part)
	}
	loan := &corev1.Secret{Immutable: new(true), Type: corev1.SecretTypeTLS, Data: map[string][]byte{
		corev1.TLSCertKey: secret.Data[corev1.TLSCertKey], corev1.TLSPrivateKeyKey: secret.Data[corev1.TLSPrivateKeyKey],
	}}
	loan.Namespace, loan.Name = s.gateway.Namespace, "weir-"+hex.EncodeToString(sum.Sum(nil))[:20]
	loan.Labels = loanLabels(s.app)
	loan.Annotations = map[string]string{"weir.dev/secret": secret.Name}
	return loan
}

func loanLabels(app *api.Application) map[string]string {
	return map[string]string{labelLender: app.Name, labelLenderNamespace: app.Namespace}
}

// lent is the copy of the Secret that the live Gateway names.
func (r *Reconciler) lent(ctx context.Context, s snapshot, name string) (string, error) {
	var gateway istionet.Gateway
	if err := r.Client.Get(ctx, client.ObjectKeyFromObject(s.app), &gateway); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	for _, server := range gateway.Spec.Servers {
		if server.GetPort().GetName() == "https-"+name {
			return server.GetTls().GetCredentialName(), nil
		}
	}
	return "", nil
}

// takeBack deletes the copies that the gateway is not to use any more.
func (r *Reconciler) takeBack(ctx context.Context, app *api.Application, but map[string]string) error {
	used := slices.Collect(maps.Values(but))
	var loans corev1.SecretList
	if err := r.Reader.List(ctx, &loans, client.MatchingLabels(loanLabels(app))); err != nil {
		return fmt.Errorf("list certificates lent to the gateway: %w", err)
	}
	for i := range loans.Items {
		loan := &loans.Items[i]
		if slices.Contains(used, loan.Name) {
			continue
		}
		if err := r.Client.Delete(ctx, loan); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete certificate %s lent to the gateway: %w", loan.Name, err)
		}
	}
	return nil
}

// lends tells whether the Application gives certificates to the gateway, or gave some.
func lends(app *api.Application) bool {
	secure := func(claim string) bool { return strings.HasPrefix(claim, "https://") }
	return slices.ContainsFunc(slices.Concat(plan.AllClaims(app), app.Status.Exposed), secure)
}
