// SPDX-License-Identifier: Apache-2.0

package xds

import "strings"

// nonces are the last ones that were sent for one kind of configuration, and that the proxy accepted.
type nonces struct{ sent, acked string }

// inSync is true when something was sent, and all of it was accepted.
func (n nonces) inSync() bool { return n.sent != "" && n.sent == n.acked }

// status is where one connection of a proxy stands, as the istiod that serves it says.
type status struct {
	istiod string
	// id is pod.namespace.
	id      string
	gateway bool
	// doubled is true when the proxy has a second connection to the same istiod: one of the two is dead.
	doubled                                bool
	clusters, endpoints, listeners, routes nonces
	// sent is the newest push of which clusters, listeners or routes were sent, acked the newest of which anything was
	// accepted.
	sent, acked version
}

// shape is what was sent last of everything that a dump shows, except endpoints, which come and go with pods.
type shape struct{ clusters, listeners, routes string }

func (s status) shape() shape { return shape{s.clusters.sent, s.listeners.sent, s.routes.sent} }

// name is how people write the pod: namespace/pod.
func (s status) name() string {
	dot := strings.LastIndexByte(s.id, '.')
	if dot < 0 {
		return s.id
	}
	return s.id[dot+1:] + "/" + s.id[:dot]
}

// syncz is one entry of istiod's /debug/syncz.
type syncz struct {
	Proxy         string `json:"proxy"`
	Type          string `json:"proxy_type"`
	ClusterSent   string `json:"cluster_sent"`
	ClusterAcked  string `json:"cluster_acked"`
	ListenerSent  string `json:"listener_sent"`
	ListenerAcked string `json:"listener_acked"`
	RouteSent     string `json:"route_sent"`
	RouteAcked    string `json:"route_acked"`
	EndpointSent  string `json:"endpoint_sent"`
	EndpointAcked string `json:"endpoint_acked"`
}

// read turns an entry into a status; wanted is false for what is neither a sidecar nor a gateway.
func (z syncz) read(istiod string) (s status, wanted bool, err error) {
	if z.Type != "sidecar" && z.Type != "router" {
		return status{}, false, nil
	}
	s = status{
		istiod: istiod, id: z.Proxy, gateway: z.Type == "router",
		clusters:  nonces{z.ClusterSent, z.ClusterAcked},
		endpoints: nonces{z.EndpointSent, z.EndpointAcked},
		listeners: nonces{z.ListenerSent, z.ListenerAcked},
		routes:    nonces{z.RouteSent, z.RouteAcked},
	}
	if s.sent, err = newest(z.ClusterSent, z.ListenerSent, z.RouteSent); err != nil {
		return s, true, err
	}
	s.acked, err = newest(z.ClusterAcked, z.ListenerAcked, z.RouteAcked, z.EndpointAcked)
	return s, true, err
}

func newest(nonces ...string) (version, error) {
	var most version
	for _, nonce := range nonces {
		v, err := nonceVersion(nonce)
		if err != nil {
			return 0, err
		}
		most = max(most, v)
	}
	return most, nil
}
