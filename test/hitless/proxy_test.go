// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"weir.dev/weir/cluster/enclave"
	"weir.dev/weir/cluster/network"
)

// proxy is an Envoy, which is asked itself what it serves, and not istiod.
type proxy struct {
	pod    string // its UID
	client http.Client
}

var podIn = regexp.MustCompile(`/kubepods/.*pod([0-9a-f-]{36})/`)

// proxies are all that run in the cluster. They are asked from within their network namespaces, where their own port is.
func (s *shop) proxies() []*proxy {
	s.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		s.Fatal(err)
	}
	var out []*proxy
	for _, name := range names {
		comm, _ := os.ReadFile(name) // a process may have ended
		process := filepath.Dir(name)
		groups, _ := os.ReadFile(filepath.Join(process, "cgroup"))
		pod := podIn.FindSubmatch(groups)
		if string(comm) != "envoy\n" || pod == nil || !bytes.Contains(groups, []byte("/"+clusterName+"/")) {
			continue
		}
		dial := network.Dialer(func(f func() error) error { return enclave.InNetNS(filepath.Join(process, "ns/net"), f) })
		transport := &http.Transport{DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, address) }}
		s.Cleanup(transport.CloseIdleConnections)
		out = append(out, &proxy{pod: string(pod[1]), client: http.Client{Transport: transport}})
	}
	return out
}

// dump is what an Envoy says of its routes.
type dump struct {
	Configs []struct {
		// LastUpdated is when it took them, by the clock that this test goes by.
		LastUpdated time.Time `json:"last_updated"`
		RouteConfig struct {
			VirtualHosts []struct {
				Routes []struct {
					Route struct {
						WeightedClusters struct {
							Clusters []share `json:"clusters"`
						} `json:"weighted_clusters"`
					} `json:"route"`
				} `json:"routes"`
			} `json:"virtual_hosts"`
		} `json:"route_config"`
	} `json:"configs"`
}

type share struct {
	Name   string `json:"name"`
	Weight int32  `json:"weight"`
}

// took tells when the proxy took the routes that give the cluster so much.
func (p *proxy) took(ctx context.Context, want share) (time.Time, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:15000/config_dump?resource=dynamic_route_configs", nil)
	if err != nil {
		return time.Time{}, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	var all dump
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		return time.Time{}, err
	}
	for _, c := range all.Configs {
		for _, h := range c.RouteConfig.VirtualHosts {
			for _, r := range h.Routes {
				if slices.Contains(r.Route.WeightedClusters.Clusters, want) {
					return c.LastUpdated, nil
				}
			}
		}
	}
	return time.Time{}, fmt.Errorf("no route gives %s %d %%", want.Name, want.Weight)
}
