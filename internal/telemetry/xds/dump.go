// SPDX-License-Identifier: Apache-2.0

package xds

import "errors"

// dump is the part of istiod's /debug/config_dump that says where a proxy sends requests. All kinds of configuration
// share one struct: each fills its own field.
type dump struct {
	Configs []struct {
		Version   string         `json:"versionInfo"`
		Clusters  []clusterDump  `json:"dynamicActiveClusters"`
		Endpoints []endpointDump `json:"dynamicEndpointConfigs"`
		Listeners []listenerDump `json:"dynamicListeners"`
		Routes    []routeDump    `json:"dynamicRouteConfigs"`
	} `json:"configs"`
}

type clusterDump struct {
	Cluster struct {
		Name string `json:"name"`
		Type string `json:"type"`
	} `json:"cluster"`
}

type endpointDump struct {
	Config struct {
		Cluster    string `json:"clusterName"`
		Localities []struct {
			Endpoints []struct {
				Health string `json:"healthStatus"`
			} `json:"lbEndpoints"`
		} `json:"endpoints"`
	} `json:"endpointConfig"`
}

type listenerDump struct {
	State struct {
		Listener struct {
			Chains  []chainDump `json:"filterChains"`
			Default chainDump   `json:"defaultFilterChain"`
		} `json:"listener"`
	} `json:"activeState"`
}

type chainDump struct {
	Filters []struct {
		Config struct {
			Type string `json:"@type"`
			target
		} `json:"typedConfig"`
	} `json:"filters"`
}

type routeDump struct {
	Config struct {
		Hosts []struct {
			Domains []string `json:"domains"`
			Routes  []struct {
				Name  string `json:"name"`
				Route struct {
					target
					Mirrors []struct {
						Cluster string `json:"cluster"`
					} `json:"requestMirrorPolicies"`
				} `json:"route"`
			} `json:"routes"`
		} `json:"virtualHosts"`
	} `json:"routeConfig"`
}

// target is where an HTTP route or a TCP proxy sends: one cluster, or several by weight.
type target struct {
	Cluster  string `json:"cluster"`
	Weighted struct {
		Clusters []struct {
			Name   string `json:"name"`
			Weight uint32 `json:"weight"`
		} `json:"clusters"`
	} `json:"weightedClusters"`
}

// weights by the name of the cluster; a single cluster has 100.
func (t target) weights() map[string]uint32 {
	if t.Cluster != "" {
		return map[string]uint32{t.Cluster: 100}
	}
	weights := make(map[string]uint32, len(t.Weighted.Clusters))
	for _, c := range t.Weighted.Clusters {
		weights[c.Name] += c.Weight
	}
	return weights
}

const tcpProxy = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"

// view reads the dump.
func (d dump) view() (view, error) {
	v := view{clusters: map[string]bool{}, endpoints: map[string]int{}}
	for _, c := range d.Configs {
		for _, x := range c.Clusters {
			v.clusters[x.Cluster.Name] = x.Cluster.Type == "EDS"
		}
		if v.version == (version{}) && c.Version != "" {
			var err error
			if v.version, err = parseVersion(c.Version); err != nil {
				return view{}, err
			}
		}
		for _, x := range c.Endpoints {
			v.endpoints[x.Config.Cluster] += x.usable()
		}
		for _, x := range c.Listeners {
			v.addListener(x)
		}
		for _, x := range c.Routes {
			v.addRoutes(x)
		}
	}
	if v.version == (version{}) {
		return view{}, errors.New("the dump names no push version")
	}
	return v, nil
}

// usable counts the endpoints that get requests. Envoy takes one of unknown health for a healthy one.
func (e endpointDump) usable() (n int) {
	for _, l := range e.Config.Localities {
		for _, x := range l.Endpoints {
			if x.Health == "" || x.Health == "UNKNOWN" || x.Health == "HEALTHY" {
				n++
			}
		}
	}
	return n
}

func (v *view) addListener(l listenerDump) {
	for _, chain := range append(l.State.Listener.Chains, l.State.Listener.Default) {
		for _, f := range chain.Filters {
			if f.Config.Type == tcpProxy {
				v.streams = append(v.streams, f.Config.weights())
			}
		}
	}
}

func (v *view) addRoutes(r routeDump) {
	for _, h := range r.Config.Hosts {
		host := virtualHost{domains: h.Domains}
		for _, x := range h.Routes {
			r := httpRoute{name: x.Name, shares: x.Route.weights()}
			for _, m := range x.Route.Mirrors {
				r.mirrors = append(r.mirrors, m.Cluster)
			}
			host.routes = append(host.routes, r)
		}
		v.hosts = append(v.hosts, host)
	}
}
