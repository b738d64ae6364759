// SPDX-License-Identifier: Apache-2.0

package port

import (
	"fmt"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
)

// Found is a protocol and by what it was found.
type Found struct {
	Protocol api.Protocol
	// Why, in words; empty when the user said it.
	Why string
}

// custom is what is spoken on a port number by custom, and by whom.
type custom struct {
	protocol api.Protocol
	whose    string
}

// known are the numbers whose protocol is guessed. A wrong "http" breaks a connection that a wrong "tcp" would carry, so
// only numbers with one common use are here. Where the server speaks first, a proxy that waits for the caller's first bytes
// to guess would wait for ever.
var known = map[int32]custom{
	80: {HTTP, "HTTP"}, 3000: {HTTP, "HTTP"}, 5000: {HTTP, "HTTP"}, 8000: {HTTP, "HTTP"}, 8080: {HTTP, "HTTP"},
	8081: {HTTP, "HTTP"}, 8888: {HTTP, "HTTP"}, 9080: {HTTP, "HTTP"}, 50051: {GRPC, "gRPC"},
	443: {HTTPS, "HTTPS"}, 8443: {HTTPS, "HTTPS"},
	3306: {MySQL, "MySQL"}, 6379: {Redis, "Redis"}, 27017: {Mongo, "MongoDB"},
	21: {TCP, "FTP"}, 22: {TCP, "SSH"}, 25: {TCP, "SMTP"}, 53: {TCP, "DNS"}, 110: {TCP, "POP3"}, 143: {TCP, "IMAP"},
	389: {TCP, "LDAP"}, 587: {TCP, "SMTP"}, 1433: {TCP, "SQL Server"}, 1521: {TCP, "Oracle"}, 1883: {TCP, "MQTT"},
	2181: {TCP, "ZooKeeper"}, 4222: {TCP, "NATS"}, 5432: {TCP, "PostgreSQL"}, 5672: {TCP, "AMQP"},
	9042: {TCP, "Cassandra"}, 9092: {TCP, "Kafka"}, 11211: {TCP, "memcached"},
}

// names are the protocols that Istio reads in the name of a port.
var names = map[string]api.Protocol{
	"http": HTTP, "http2": HTTP2, "grpc": GRPC, "https": HTTPS, "tls": TLS, "tcp": TCP, "udp": UDP,
	"mongo": Mongo, "mysql": MySQL, "redis": Redis,
}

// Find returns what is spoken on the port, by the first of these that tells: what the user said, appProtocol, the
// beginning of the name, that requests from outside are sent to it, the number, and else tcp, which carries everything.
func Find(p api.Port, exposed bool) Found {
	byNumber, numbered := known[p.Port]
	if p.Protocol != "" {
		return Found{Protocol: p.Protocol}
	}
	if p.AppProtocol != "" {
		return fromAppProtocol(p.AppProtocol)
	}
	if said, ok := fromName(p.Name); ok {
		return Found{said, "its name is " + p.Name}
	}
	switch {
	case exposed && !IsHTTP(byNumber.protocol):
		return Found{HTTP, "requests from outside are sent to it"}
	case numbered:
		return Found{byNumber.protocol, fmt.Sprintf("%d is the port of %s by custom", p.Port, byNumber.whose)}
	default:
		return Found{TCP, "nothing tells, and tcp carries everything; say http or grpc if that is " +
			"spoken, so that requests can be routed and counted"}
	}
}

// fromAppProtocol reads what Kubernetes has names for, and then as Istio does. What Istio does not know is carried as tcp: it
// was said to be something else than http.
func fromAppProtocol(said string) Found {
	why := "its appProtocol is " + said
	switch said {
	case "kubernetes.io/h2c":
		return Found{HTTP2, why}
	case "kubernetes.io/ws":
		return Found{HTTP, why}
	case "kubernetes.io/wss":
		return Found{HTTPS, why}
	}
	if p, ok := fromName(said); ok {
		return Found{p, why}
	}
	return Found{TCP, why + ", which the mesh carries as it is"}
}

// fromName reads the beginning of a name, up to the first dash.
func fromName(name string) (api.Protocol, bool) {
	name = strings.ToLower(name)
	if name == string(GRPCWeb) || strings.HasPrefix(name, string(GRPCWeb)+"-") {
		return GRPCWeb, true
	}
	first, _, _ := strings.Cut(name, "-")
	p, ok := names[first]
	return p, ok
}
