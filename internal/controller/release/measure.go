// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/plan/routing"
	"weir.dev/weir/internal/query"
	engine "weir.dev/weir/internal/release"
)

// measure asks what was seen of both versions since every caller serves the weight, as the release's analysis wants it.
func (r *Reconciler) measure(ctx context.Context, release *api.Release, now time.Time) (mesh.Sample, error) {
	spec, status := release.Spec, release.Status
	since, until := engine.Window(spec, status, now)
	w := mesh.Window{
		Host: routing.Host(release.Namespace, spec.Component), Namespace: release.Namespace,
		Version: spec.To, Beside: engine.Beside(spec, status), Received: engine.Received(spec, status),
		Since: since, Until: until, Quantile: engine.Quantile(spec, status), Queries: map[string]string{},
	}
	wrong := map[string]mesh.Value{}
	for _, m := range spec.Strategy.Analysis.Metrics {
		filled, err := query.Fill(m.Query, query.Values{
			Component: spec.Component, Namespace: release.Namespace, Host: w.Host, From: spec.From, To: spec.To, Window: until.Sub(since),
		})
		if err != nil {
			wrong[m.Name] = mesh.Value{Err: err}
			continue
		}
		w.Queries[m.Name] = filled
	}
	if asked := spec.Strategy.Analysis.Server; asked != nil {
		server, err := r.server(ctx, release.Namespace, *asked)
		if err != nil {
			return mesh.Sample{}, err
		}
		w.Server = &server
	}
	sample, err := r.Measurer.Measure(ctx, w)
	for name, value := range wrong {
		if sample.Values == nil {
			sample.Values = map[string]mesh.Value{}
		}
		sample.Values[name] = value
	}
	return sample, err
}

// Keys of the Secret that a metrics server is entered with.
const (
	tokenKey    = "token"
	usernameKey = corev1.BasicAuthUsernameKey
	passwordKey = corev1.BasicAuthPasswordKey
	authority   = corev1.ServiceAccountRootCAKey
)

// server is where metrics are read, with what its Secret holds. The Secret is read when it is needed and not kept, so
// that a new password counts at once.
func (r *Reconciler) server(ctx context.Context, namespace string, asked api.MetricsServer) (mesh.Server, error) {
	out := mesh.Server{URL: asked.URL}
	if asked.Secret == "" {
		return out, nil
	}
	var secret corev1.Secret
	err := r.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: asked.Secret}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return out, fmt.Errorf("analysis.server.secret: there is no Secret %q in the namespace %s; create it with token, or username and "+
			"password, or ca.crt", asked.Secret, namespace)
	case apierrors.IsForbidden(err):
		return out, fmt.Errorf("analysis.server.secret: Weir may not read the Secret %q in the namespace %s; see its ClusterRole weir-controller",
			asked.Secret, namespace)
	case err != nil:
		return out, errors.New("analysis.server.secret: the Secret " + asked.Secret + " cannot be read: " + err.Error())
	}
	out.Token, out.Username = string(secret.Data[tokenKey]), string(secret.Data[usernameKey])
	out.Password, out.CA = string(secret.Data[passwordKey]), string(secret.Data[authority])
	if out == (mesh.Server{URL: asked.URL}) {
		return out, fmt.Errorf("analysis.server.secret: the Secret %q holds none of token, username and password, and ca.crt", asked.Secret)
	}
	return out, nil
}
