// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"regexp"
	"strings"
	"time"
)

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
	// pushes are those of the last clusters, listeners and routes that were sent, sent is the newest of them, and acked
	// the newest of which anything was accepted.
	pushes      [3]version
	sent, acked version
}

// efforts are how long each istiod should rest between two pushes that are caused: the more proxies it tells, the longer.
func efforts(fleet []status) map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, s := range fleet {
		out[s.istiod] += effort
	}
	return out
}

// shape is what was sent last of everything that a dump shows, except endpoints, which come and go with pods.
type shape struct{ clusters, listeners, routes string }

func (s status) shape() shape { return shape{s.clusters.sent, s.listeners.sent, s.routes.sent} }

// alike is what proxies have in common that hold the same clusters, listeners and routes: those of one ReplicaSet, at
// one istiod, that were last sent the same pushes. istiod makes these of the push and of the pod's template alone.
type alike struct {
	istiod, owner string
	pushes        [3]version
}

func (s status) alike() alike {
	owner := s.id
	if parts := replica.FindStringSubmatch(s.id); parts != nil {
		owner = parts[1] + parts[2]
	}
	return alike{s.istiod, owner, s.pushes}
}

// replica matches pod.namespace for a pod of a Deployment, by the letters that Kubernetes takes for what it makes up
// (k8s.io/apimachinery, util/rand): name, hash of the template, and what tells the pods apart.
var replica = regexp.MustCompile(`^(.+-[bcdfghjklmnpqrstvwxz2456789]{4,10})-[bcdfghjklmnpqrstvwxz2456789]{5}(\.[^.]+)$`)

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

// read turns an entry into a status; wanted is false for what is neither a sidecar nor a gateway. An istiod that does not
// tell types has only those.
func (z syncz) read(istiod string) (s status, wanted bool, err error) {
	switch z.Type {
	case "ztunnel", "waypoint", "agentgateway":
		return status{}, false, nil
	}
	s = status{
		istiod: istiod, id: z.Proxy, gateway: z.Type == "router",
		clusters:  nonces{z.ClusterSent, z.ClusterAcked},
		endpoints: nonces{z.EndpointSent, z.EndpointAcked},
		listeners: nonces{z.ListenerSent, z.ListenerAcked},
		routes:    nonces{z.RouteSent, z.RouteAcked},
	}
	for i, nonce := range []string{z.ClusterSent, z.ListenerSent, z.RouteSent} {
		if s.pushes[i], err = nonceVersion(nonce); err != nil {
			return s, true, err
		}
		s.sent = later(s.sent, s.pushes[i])
	}
	s.acked, err = newest(z.ClusterAcked, z.ListenerAcked, z.RouteAcked, z.EndpointAcked)
	return s, true, err
}

func newest(nonces ...string) (version, error) {
	var most version
	for _, nonce := range nonces {
		v, err := nonceVersion(nonce)
		if err != nil {
			return version{}, err
		}
		most = later(most, v)
	}
	return most, nil
}

// later of two pushes of one run.
func later(a, b version) version {
	if a.number > b.number {
		return a
	}
	return b
}
