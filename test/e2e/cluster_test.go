// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package e2e tries the whole product on real clusters on this machine. It needs root.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/manifest"
)

const clusterName = "e2e-cluster"

// rig is a cluster of this test's own, driven by the command line as a user would.
type rig struct {
	weir string
	root string
	info cluster.Info
}

func build(t *testing.T, out, what string) {
	t.Helper()
	command := exec.Command("go", "build", "-o", out, what)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", what, err, output)
	}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{weir: filepath.Join(t.TempDir(), "weir"), root: "/var/lib/" + clusterName}
	build(t, r.weir, "../../cmd/weir")
	t.Cleanup(func() { r.run(t, "down") })
	return r
}

func (r *rig) command(args ...string) *exec.Cmd {
	args = append([]string{"cluster", "--name", clusterName, "--state-dir", r.root}, args...)
	return exec.Command(r.weir, args...)
}

func (r *rig) run(t *testing.T, args ...string) string {
	t.Helper()
	command := r.command(args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	begin := time.Now()
	output, err := command.Output()
	if err != nil {
		t.Fatalf("weir cluster %s: %v\n%s%s", strings.Join(args, " "), err, output, stderr.String())
	}
	t.Logf("weir cluster %s: %.1fs", strings.Join(args, " "), time.Since(begin).Seconds())
	return string(output)
}

func TestCluster(t *testing.T) {
	before := traces(t)
	r := newRig(t)
	r.run(t, "up")
	info, err := cluster.Find(cluster.Ref{Name: clusterName, Root: r.root})
	if err != nil {
		t.Fatal(err)
	}
	r.info = info
	t.Run("meshed pods answer by mutual TLS", r.testMutualTLS)
	t.Run("both reporters are in Prometheus", r.testMetrics)
	t.Run("status", r.testStatus)
	t.Run("a second up repairs", r.testRepair)
	t.Run("the host's network is untouched", func(t *testing.T) { equal(t, before.network, traces(t).network) })
	r.run(t, "down")
	t.Run("down leaves nothing", func(t *testing.T) {
		// What was killed may be a zombie until the host's init has noticed.
		eventually(t, func() string { return cmp.Diff(before.all(), traces(t).all()) })
		if _, err := os.Stat(r.root); !os.IsNotExist(err) {
			t.Errorf("%s is left (%v)", r.root, err)
		}
	})
	r.run(t, "down")
}

func (r *rig) deployEcho(t *testing.T) {
	t.Helper()
	r.run(t, "load-image", buildEcho(t))
	text, err := os.ReadFile("echo/echo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := manifest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	client, err := manifest.Dial(r.info.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.Apply(ctx, objects); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"front-v1", "back-v1"} {
		if err := client.AwaitDeployment(ctx, "echo", name); err != nil {
			t.Fatal(err)
		}
	}
}

// ask sends a request through the ingress gateway.
func (r *rig) ask(path string) (int, string, error) {
	request, err := http.NewRequest(http.MethodGet, r.info.GatewayURL+path, nil)
	if err != nil {
		return 0, "", err
	}
	request.Host = "echo.example"
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// eventually repeats check until it returns "", and else fails with what it said last.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		complaint := check()
		if complaint == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // the pause of a wait that has a deadline
	}
}

func (r *rig) testMutualTLS(t *testing.T) {
	r.deployEcho(t)
	path := "/call?url=" + url.QueryEscape("http://back:8080/")
	eventually(t, func() string {
		status, body, err := r.ask(path)
		if err != nil || status != http.StatusOK {
			return fmt.Sprintf("%d %s %v", status, body, err)
		}
		const caller = "URI=spiffe://cluster.local/ns/echo/sa/front"
		if !strings.Contains(body, "version=v1") || !strings.Contains(body, caller) {
			return fmt.Sprintf("the answer does not name the caller's identity %s:\n%s", caller, body)
		}
		return ""
	})
	for range 20 {
		if status, body, err := r.ask(path); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
	}
	for _, failing := range []string{"http://back:8080/status/503", "http://back:8080/absent"} {
		if status, _, err := r.ask("/call?url=" + url.QueryEscape(failing)); err != nil || status != http.StatusServiceUnavailable {
			t.Fatalf("%s: %d, %v", failing, status, err)
		}
	}
	if status, body, err := r.ask("/tcp?address=back:9000"); err != nil || body != "hello" {
		t.Fatalf("TCP: %d %q %v", status, body, err)
	}
}

// query returns the value of a PromQL expression, 0 if there is none.
func (r *rig) query(expression string) (string, error) {
	response, err := http.Get(r.info.PrometheusURL + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Data.Result) == 0 {
		return "nothing", err
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1]), nil
}

func (r *rig) testMetrics(t *testing.T) {
	const (
		between = `source_app="front",destination_workload="back-v1",destination_service_name="back",` +
			`destination_service="back.echo.svc.cluster.local",destination_service_namespace="echo",` +
			`destination_workload_namespace="echo",source_workload_namespace="echo",` +
			`destination_app="back",destination_version="v1"`
		asSource      = `reporter="source",source_workload="front-v1",source_version="v1",` + between
		asDestination = `reporter="destination",connection_security_policy="mutual_tls",` + between
	)
	ok := `,response_code="200",response_flags="-",request_protocol="http"`
	least := map[string]string{
		`sum(istio_requests_total{` + asSource + ok + `}) >= bool 21`:               "1",
		`sum(istio_requests_total{` + asDestination + ok + `}) >= bool 21`:          "1",
		`sum(istio_requests_total{` + asSource + `,response_code="503"}) >= bool 1`: "1",
		`sum(istio_requests_total{reporter="source",source_app="front",response_code="503",` +
			`response_flags="UH",destination_version="absent"}) >= bool 1`: "1",
		`sum(istio_requests_total{reporter="source",source_workload="istio-ingressgateway",` +
			`destination_app="front",destination_version="v1"}) >= bool 22`: "1",
		`sum(istio_request_duration_milliseconds_bucket{` + asSource + ok + `,le=~"200([.]0)?"}) >= bool 21`: "1",
		`sum(istio_request_duration_milliseconds_count{` + asDestination + ok + `}) >= bool 21`:              "1",
		`sum(istio_request_duration_milliseconds_sum{` + asSource + ok + `}) >= bool 1`:                      "1",
		`sum(istio_tcp_connections_opened_total{` + asSource + `,request_protocol="tcp"}) >= bool 1`:         "1",
		`sum(istio_tcp_connections_closed_total{` + asDestination + `,request_protocol="tcp"}) >= bool 1`:    "1",
		`sum(istio_tcp_sent_bytes_total{` + asSource + `}) == bool 5`:                                        "1",
		`sum(istio_tcp_received_bytes_total{` + asDestination + `}) >= bool 5`:                               "1",
	}
	for expression, want := range least {
		eventually(t, func() string {
			got, err := r.query(expression)
			if err != nil || got != want {
				return fmt.Sprintf("%s is %s, %v", expression, got, err)
			}
			return ""
		})
	}
}

func (r *rig) testStatus(t *testing.T) {
	var status cluster.Status
	if err := json.Unmarshal([]byte(r.run(t, "status", "-o", "json")), &status); err != nil {
		t.Fatal(err)
	}
	for _, part := range status.Parts {
		if !part.Ready || part.MemoryBytes == 0 {
			t.Errorf("%+v", part)
		}
	}
	const limit = 1400 << 20
	if !status.Ready || status.NodeBytes > limit {
		t.Errorf("ready %t, control plane and node take %d MiB", status.Ready, status.NodeBytes>>20)
	}
	if log := r.run(t, "logs", "kubelet", "--tail", "3"); strings.Count(log, "\n") != 3 {
		t.Errorf("not the last three lines of a log: %q", log)
	}
}

// testRepair kills what a careless person could kill, and expects up to bring it back without touching the rest.
func (r *rig) testRepair(t *testing.T) {
	pids := func() map[string]int {
		var status cluster.Status
		if err := json.Unmarshal([]byte(r.run(t, "status", "-o", "json")), &status); err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for _, part := range status.Parts {
			found[part.Name] = part.PID
		}
		return found
	}
	before := pids()
	for _, victim := range []string{"kubelet", "containerd", "forwarder"} {
		process, err := os.FindProcess(before[victim])
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	r.run(t, "up")
	after := pids()
	for name, pid := range before {
		killed := name == "kubelet" || name == "containerd" || name == "forwarder"
		if killed == (after[name] == pid) {
			t.Errorf("%s had pid %d and has %d", name, pid, after[name])
		}
	}
	eventually(t, func() string {
		status, body, err := r.ask("/")
		if err != nil || status != http.StatusOK {
			return fmt.Sprintf("%d %s %v", status, body, err)
		}
		return ""
	})
}
