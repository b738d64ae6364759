// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"weir.dev/weir/internal/check"
)

const (
	// defaultPrometheus is the chart's.
	defaultPrometheus = "http://prometheus.istio-system:9090"
	// patience with one question.
	patience = 5 * time.Second
)

// needed are the writes of an install that only an administrator may do.
var needed = []authorizationv1.ResourceAttributes{
	{Verb: "create", Resource: "namespaces"},
	{Verb: "patch", Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
	{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
}

func (s *surveyor) rights(ctx context.Context) error {
	for _, attributes := range needed {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes}}
		answer, err := s.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("ask what you may do: %w", err)
		}
		if !answer.Status.Allowed {
			s.out.Cluster.Missing = append(s.out.Cluster.Missing, attributes.Verb+" "+attributes.Resource)
		}
	}
	return nil
}

// prometheus asks for Istio's metrics: one in the cluster through the API server, since names of the cluster mean nothing here.
func (s *surveyor) prometheus(ctx context.Context) error {
	where := s.Prometheus
	if where == "" {
		where = defaultPrometheus
	}
	p := check.Prometheus{URL: where}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := s.ask(ctx, where)
	if apierrors.IsNotFound(err) {
		p.Problem = "there is no such Service"
	} else if err != nil {
		p.Problem = strings.Join(strings.Fields(err.Error()), " ")
	} else if p.Mesh, err = hasSeries(body); err != nil {
		p.Problem = err.Error()
	}
	s.out.Cluster.Prometheus = p
	return nil
}

const (
	path  = "/api/v1/query"
	query = "count(istio_requests_total)"
)

func (s *surveyor) ask(ctx context.Context, where string) ([]byte, error) {
	parsed, err := url.Parse(where)
	if err != nil {
		return nil, err
	}
	name, namespace, inside := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(parsed.Hostname(), ".cluster.local"), ".svc"), ".")
	if inside && !strings.Contains(namespace, ".") {
		return s.kube.CoreV1().Services(namespace).ProxyGet(parsed.Scheme, name, portOf(parsed), strings.TrimSuffix(parsed.Path, "/")+path,
			map[string]string{"query": query}).DoRaw(ctx)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(where, "/")+path+"?query="+url.QueryEscape(query), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, 1<<20))
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

func hasSeries(body []byte) (bool, error) {
	var answer struct {
		Status string
		Data   struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return false, fmt.Errorf("it answers, but not as Prometheus does")
	}
	return len(answer.Data.Result) > 0, nil
}

// Everywhere lists the namespaces that are worth a look: those with injection, and those with Applications.
func Everywhere(all []corev1.Namespace, applications map[string]bool) []string {
	var out []string
	for _, n := range all {
		if n.Labels["istio-injection"] == "enabled" || n.Labels["istio.io/rev"] != "" || applications[n.Name] {
			out = append(out, n.Name)
		}
	}
	return out
}
