// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
)

const (
	// plainPort and securePort are the gateway's for HTTP and HTTPS.
	plainPort  = 80
	securePort = 443
)

// WayIn is what the way in from outside is made from, besides the components.
type WayIn struct {
	// Selector names the gateway's pods.
	Selector map[string]string
	// Certificates are the names under which the gateway finds Secrets of the application.
	Certificates map[string]string
}

// Gateway opens the application's hosts and ports on the gateway's pods. It is nil when nothing is exposed.
func Gateway(a *api.Application, components []Component, way WayIn) *istio.Gateway {
	servers := slices.Concat(plain(components), secure(components, way.Certificates), streams(components))
	if len(servers) == 0 {
		return nil
	}
	return &istio.Gateway{
		TypeMeta:   typeMeta("Gateway"),
		ObjectMeta: owner.Meta(a, "", a.Name),
		Spec:       networking.Gateway{Selector: way.Selector, Servers: servers},
	}
}

// plain are the servers of HTTP: one for the hosts that answer, and one for those that send on to HTTPS.
func plain(components []Component) []*networking.Server {
	redirected := map[string]bool{}
	for _, c := range components {
		for _, host := range hostsOfOne(c) {
			redirected[host] = redirected[host] || c.Expose.TLS != nil && c.Expose.TLS.Redirects()
		}
	}
	var answer, send []string
	for _, host := range hostsOf(components) {
		if redirected[host] {
			send = append(send, host)
		} else {
			answer = append(answer, host)
		}
	}
	var out []*networking.Server
	if len(answer) > 0 {
		out = append(out, &networking.Server{Port: &networking.Port{Number: plainPort, Name: "http", Protocol: "HTTP"}, Hosts: answer})
	}
	if len(send) > 0 {
		out = append(out, &networking.Server{
			Port: &networking.Port{Number: plainPort, Name: "http-redirect", Protocol: "HTTP"}, Hosts: send,
			Tls: &networking.ServerTLSSettings{HttpsRedirect: true},
		})
	}
	return out
}

// secure are the servers of HTTPS, one a certificate, by the name of its Secret. A host has one certificate.
func secure(components []Component, certificates map[string]string) []*networking.Server {
	hosts := map[string][]string{}
	for _, c := range components {
		for _, host := range hostsOfOne(c) {
			if t := c.Expose.TLS; t != nil && !slices.Contains(hosts[t.Secret], host) {
				hosts[t.Secret] = append(hosts[t.Secret], host)
			}
		}
	}
	out := make([]*networking.Server, 0, len(hosts))
	for secret, of := range hosts {
		slices.Sort(of)
		out = append(out, &networking.Server{
			Port: &networking.Port{Number: securePort, Name: "https-" + secret, Protocol: "HTTPS"}, Hosts: of,
			Tls: &networking.ServerTLSSettings{
				Mode: networking.ServerTLSSettings_SIMPLE, CredentialName: cmp.Or(certificates[secret], secret),
				MinProtocolVersion: networking.ServerTLSSettings_TLSV1_2,
			},
		})
	}
	slices.SortFunc(out, func(x, y *networking.Server) int { return strings.Compare(x.Port.Name, y.Port.Name) })
	return out
}

// streams are the servers of TCP, by number.
func streams(components []Component) []*networking.Server {
	var out []*networking.Server
	for _, c := range components {
		if c.Expose != nil && c.Expose.TCP != 0 && len(c.sharesOutside()) > 0 {
			out = append(out, &networking.Server{
				Port: &networking.Port{Number: uint32(c.Expose.TCP), Name: "tcp-" + strconv.Itoa(int(c.Expose.TCP)), Protocol: "TCP"},
				// Connections name no host.
				Hosts: []string{everyHost},
			})
		}
	}
	slices.SortFunc(out, func(x, y *networking.Server) int { return cmp.Compare(x.Port.Number, y.Port.Number) })
	return out
}

// OutsideStreams share the connections from outside among the versions of each component that is exposed by TCP.
func OutsideStreams(a *api.Application, components []Component) []*istio.VirtualService {
	var out []*istio.VirtualService
	for _, c := range components {
		if c.Expose == nil || c.Expose.TCP == 0 {
			continue
		}
		shares := c.sharesOutside()
		if len(shares) == 0 {
			continue
		}
		host := Host(a.Namespace, c.Name)
		// The host says nothing to a connection, and is one that no other route has.
		out = append(out, &istio.VirtualService{
			TypeMeta:   typeMeta("VirtualService"),
			ObjectMeta: owner.Meta(a, "", streamName(a, c, components)),
			Spec: networking.VirtualService{
				Hosts: []string{host}, Gateways: []string{a.Namespace + "/" + a.Name},
				Tcp: []*networking.TCPRoute{tcpRoute(host, shares, uint32(c.Expose.TCP))},
			},
		})
	}
	return out
}

// streamName is <application>-gateway-<port>, made different from the names of components.
func streamName(a *api.Application, c Component, components []Component) string {
	name := a.Name + outsideSuffix + "-" + strconv.Itoa(int(c.Expose.TCP))
	for slices.ContainsFunc(components, func(o Component) bool { return o.Name == name }) {
		name += outsideSuffix
	}
	return name
}
