// SPDX-License-Identifier: Apache-2.0

package port_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// TestFind goes down the order: each source alone, and before the next.
func TestFind(t *testing.T) {
	for name, tt := range map[string]struct {
		port    api.Port
		exposed bool
		want    api.Protocol
		why     string
	}{
		"said before all":                 {api.Port{Port: 3306, Protocol: "http2", AppProtocol: "grpc", Name: "redis"}, true, "http2", ""},
		"appProtocol before the name":     {api.Port{Port: 3306, AppProtocol: "grpc", Name: "redis"}, true, "grpc", "appProtocol is grpc"},
		"appProtocol, clear HTTP/2":       {api.Port{Port: 1, AppProtocol: "kubernetes.io/h2c"}, false, "http2", "kubernetes.io/h2c"},
		"appProtocol, web socket":         {api.Port{Port: 1, AppProtocol: "kubernetes.io/ws"}, false, "http", "kubernetes.io/ws"},
		"appProtocol, web socket by TLS":  {api.Port{Port: 1, AppProtocol: "kubernetes.io/wss"}, false, "https", "kubernetes.io/wss"},
		"appProtocol in capitals":         {api.Port{Port: 1, AppProtocol: "HTTP"}, false, "http", "HTTP"},
		"appProtocol, none of the mesh's": {api.Port{Port: 8080, AppProtocol: "postgresql", Name: "http"}, false, "tcp", "carries as it is"},
		"the name before the gateway":     {api.Port{Port: 8080, Name: "tcp-x"}, true, "tcp", "its name is tcp-x"},
		"a name alone":                    {api.Port{Port: 1, Name: "grpc"}, false, "grpc", "its name is grpc"},
		"a name, web":                     {api.Port{Port: 1, Name: "grpc-web-x"}, false, "grpc-web", "its name is grpc-web-x"},
		"a name that begins like one":     {api.Port{Port: 1, Name: "httpx"}, false, "tcp", "nothing tells"},
		"the gateway before the number":   {api.Port{Port: 3306, Name: "web"}, true, "http", "requests from outside"},
		"the gateway, a number that fits": {api.Port{Port: 50051}, true, "grpc", "50051 is the port of gRPC"},
		"the number":                      {api.Port{Port: 3306}, false, "mysql", "3306 is the port of MySQL"},
		"a server that speaks first":      {api.Port{Port: 25}, false, "tcp", "25 is the port of SMTP"},
		"nothing":                         {api.Port{Port: 7}, false, "tcp", "nothing tells"},
	} {
		t.Run(name, func(t *testing.T) {
			got := port.Find(tt.port, tt.exposed)
			if got.Protocol != tt.want || !strings.Contains(got.Why, tt.why) || (tt.why == "") != (got.Why == "") {
				t.Errorf("got %+v, want %s, %q", got, tt.want, tt.why)
			}
		})
	}
}

func TestNames(t *testing.T) {
	ports := []api.Port{
		{Port: 80, Protocol: "http", Name: "api"}, {Port: 81, Protocol: "http", Name: "http-api"}, {Port: 82, Protocol: "tcp", Name: "http-api"},
		{Port: 83, Protocol: "https", Name: "https-x"}, {Port: 84, Protocol: "http", Name: "http"}, {Port: 85, Protocol: "http", Name: "http-80"},
		{Port: 86, Protocol: "grpc", Name: "web-87"}, {Port: 87, Protocol: "grpc-web"}, {Port: 88, Protocol: "grpc-web", Name: "grpc-web-y"},
		{Port: 53, Protocol: "udp", Name: "dns"},
	}
	want := []string{"http-api", "http-81", "tcp-api", "tcp-x", "http-84", "http-85", "grpc-86", "grpc-web-87", "grpc-web-y", "udp-dns"}
	if diff := cmp.Diff(want, port.Names(ports)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
