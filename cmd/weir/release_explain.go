// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/lookup"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/routing"
)

// explainFlags describe a request.
type explainFlags struct {
	method, path, from, host string
	headers, cookies, query  []string
	port                     uint32
	outside                  bool
	format                   string
}

func newReleaseExplainCommand(where *target) *cobra.Command {
	var f explainFlags
	command := &cobra.Command{
		Use:   "explain COMPONENT",
		Short: "Say where a request goes, and why",
		Long: "Say where a request goes, and why: which of the routes in the cluster takes it, why those before it do not, and which\n" +
			"versions it may reach by chance, by its sender or by a cookie. No request is sent.",
		Example: "  weir release explain reviews -n bookinfo\n" +
			"  weir release explain reviews --path /reviews/0 --header 'end-user: jason' -n bookinfo\n" +
			"  weir release explain reviews --from productpage --method POST --cookie group=b -n bookinfo\n" +
			"  weir release explain productpage --outside --host shop.example --path /productpage -o json -n bookinfo",
		RunE: func(command *cobra.Command, args []string) error {
			c, namespace, err := where.connect()
			if err != nil {
				return err
			}
			e, err := f.explain(command.Context(), c, namespace, args[0])
			if err != nil {
				return err
			}
			return show(command.OutOrStdout(), f.format, e, e.text)
		},
	}
	flags := command.Flags()
	flags.StringVar(&f.method, "method", "GET", "method of the request")
	flags.StringVar(&f.path, "path", "/", "path of the request, with or without a query")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "header of the request, as 'name: value'; may be given again")
	flags.StringArrayVar(&f.cookies, "cookie", nil, "cookie of the request, as name=value; may be given again")
	flags.StringArrayVar(&f.query, "query", nil, "query parameter, as name=value; may be given again")
	flags.StringVar(&f.from, "from", "", "component that calls (default: one that no match names)")
	flags.Uint32Var(&f.port, "port", 0, "port that is called (default: the first that speaks HTTP)")
	flags.BoolVar(&f.outside, "outside", false, "the request comes in at the gateway")
	flags.StringVar(&f.host, "host", "", "host that is asked for at the gateway (default: the first that the component is exposed at)")
	addFormatFlag(command, &f.format)
	return command
}

// explanation is what became of the request, and what is under way meanwhile.
type explanation struct {
	lookup.Answer
	Component string `json:"component"`
	// Release under way, and how far callers are with it; both are empty when there is none.
	Release string `json:"release,omitempty"`
	Callers string `json:"callers,omitempty"`
}

func (f explainFlags) explain(ctx context.Context, c client.Client, namespace, component string) (explanation, error) {
	e := explanation{Component: component}
	app, at, err := findComponent(ctx, c, namespace, "", component)
	if err != nil {
		return e, err
	}
	r, err := f.request(app)
	if err != nil {
		return e, err
	}
	if f.outside {
		r.Outside, r.Host = true, cmp.Or(f.host, firstHost(app.Spec.Components[at]))
	} else if err := aim(ctx, c, namespace, component, &r); err != nil {
		return e, err
	}
	services, err := virtualServices(ctx, c, namespace)
	if err != nil {
		return e, err
	}
	e.Answer = lookup.Of(r, services)
	releases, err := releasesOf(ctx, c, namespace, component)
	if err != nil {
		return e, err
	}
	if n := len(releases); n > 0 && !releases[n-1].Status.Phase.Finished() {
		newest := &releases[n-1]
		e.Release, e.Callers = newest.Name, verifiedWords(newest)
	}
	return e, nil
}

// request is the one that the flags describe, without where it goes.
func (f explainFlags) request(app *api.Application) (lookup.Request, error) {
	r := lookup.Request{Method: strings.ToUpper(f.method), Path: f.path, Port: f.port, Headers: map[string]string{}, Namespace: app.Namespace}
	if !strings.HasPrefix(r.Path, "/") {
		return r, fmt.Errorf("--path %s: begin it with a slash", f.path)
	}
	for _, h := range f.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return r, fmt.Errorf("--header %s: write it as 'name: value'", h)
		}
		r.Headers[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	if len(f.cookies) > 0 {
		all := f.cookies
		if given := r.Headers["cookie"]; given != "" {
			all = append([]string{given}, all...)
		}
		r.Headers["cookie"] = strings.Join(all, "; ")
	}
	for _, q := range f.query {
		name, value, _ := strings.Cut(q, "=")
		sign := map[bool]string{true: "&", false: "?"}[strings.Contains(r.Path, "?")]
		r.Path += sign + url.QueryEscape(name) + "=" + url.QueryEscape(value)
	}
	if f.from == "" {
		return r, nil
	}
	if f.outside {
		return r, errors.New("--from: a request from outside has no component that calls; leave out one of --from and --outside")
	}
	if !slices.ContainsFunc(app.Spec.Components, func(c api.Component) bool { return c.Name == f.from }) {
		return r, fmt.Errorf("--from %s: application %s has no such component", f.from, app.Name)
	}
	r.Source = owner.Selector(app, f.from, "")
	return r, nil
}

// aim puts in the host and the port that callers in the mesh ask for.
func aim(ctx context.Context, c client.Reader, namespace, component string, r *lookup.Request) error {
	r.Host = routing.Host(namespace, component)
	var service corev1.Service
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: component}, &service); err != nil {
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("component %s has no Service, so nobody can call it; give it a port", component)
		}
		return fmt.Errorf("read service %s: %w", component, err)
	}
	at := max(0, slices.IndexFunc(service.Spec.Ports, speaksHTTP))
	if r.Port != 0 {
		at = slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == int32(r.Port) })
	}
	if at < 0 || at >= len(service.Spec.Ports) {
		return fmt.Errorf("--port %d: component %s has no such port", r.Port, component)
	}
	p := service.Spec.Ports[at]
	r.Port, r.Stream = uint32(p.Port), !speaksHTTP(p)
	return nil
}

// speaksHTTP tells whether Istio takes the port for one on which requests can be told apart: by its appProtocol, else by
// the first word of its name (istio.io, protocol selection).
func speaksHTTP(p corev1.ServicePort) bool {
	protocol, _, _ := strings.Cut(p.Name, "-")
	if p.AppProtocol != nil {
		protocol = *p.AppProtocol
	}
	switch strings.ToLower(protocol) {
	case "http", "http2", "grpc", "grpc-web", "kubernetes.io/h2c":
		return true
	default:
		return false
	}
}

func firstHost(c api.Component) string {
	if c.Expose != nil && len(c.Expose.Hosts) > 0 {
		return c.Expose.Hosts[0]
	}
	return "any.example"
}

// virtualServices are those of every namespace, or of this one when no others may be read.
func virtualServices(ctx context.Context, c client.Reader, namespace string) ([]*istio.VirtualService, error) {
	var list istio.VirtualServiceList
	err := c.List(ctx, &list)
	if apierrors.IsForbidden(err) {
		err = c.List(ctx, &list, client.InNamespace(namespace))
	}
	if err != nil {
		return nil, fmt.Errorf("list virtual services: %w", err)
	}
	return list.Items, nil
}
