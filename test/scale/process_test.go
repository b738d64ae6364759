// SPDX-License-Identifier: Apache-2.0

//go:build api

package scale

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"

	"weir.dev/weir/test/apiserver"
)

// runner starts controllers.
type runner struct {
	weir, kubeconfig string
}

// process is a controller that runs.
type process struct {
	command *exec.Cmd
	metrics string
	begin   time.Time
}

func newRunner(b *testing.B, config *rest.Config) runner {
	b.Helper()
	r := runner{weir: filepath.Join(b.TempDir(), "weir"), kubeconfig: filepath.Join(b.TempDir(), "kubeconfig")}
	build := exec.Command("go", "build", "-o", r.weir, "../../cmd/weir")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, output)
	}
	if err := apiserver.Kubeconfig(r.kubeconfig, config); err != nil {
		b.Fatal(err)
	}
	return r
}

func (r runner) start(b *testing.B) *process {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	log, err := os.Create(cmp.Or(os.Getenv("WEIR_SCALE_LOG"), filepath.Join(b.TempDir(), "log")))
	if err != nil {
		b.Fatal(err)
	}
	p := &process{metrics: "http://" + address + "/metrics", begin: time.Now()}
	p.command = exec.Command(r.weir, "controller", "--metrics-address", address, "--health-address", "0", "--profile-address", cmp.Or(os.Getenv("WEIR_SCALE_PROFILE"), "0"), "--log-level", cmp.Or(os.Getenv("WEIR_SCALE_LEVEL"), "error"))
	p.command.Env = append(os.Environ(), "KUBECONFIG="+r.kubeconfig)
	p.command.Stderr = log
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.command.Process.Kill() })
	return p
}

func (p *process) stop(b *testing.B) {
	b.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	_ = p.command.Wait() // how it ends is not what is measured
}

// reconciled waits until every application was reconciled and nothing is left to do, and returns how long that took.
func (p *process) reconciled(b *testing.B, count int) time.Duration {
	b.Helper()
	deadline := time.After(15 * time.Minute)
	// Asking costs the controller memory, too.
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	quiet := 0
	for {
		select {
		case <-deadline:
			b.Fatalf("not all of %d applications were reconciled", count)
		case <-tick.C:
		}
		done := p.sum("controller_runtime_reconcile_total", "controller", "application")
		left := p.sum("workqueue_depth", "name", "application") + p.sum("controller_runtime_active_workers", "controller", "application")
		if done < float64(count) || left > 0 {
			quiet = 0
			continue
		}
		// Between two writes of one application there is a moment in which nothing is queued.
		if quiet++; quiet == 3 {
			return time.Since(p.begin) - time.Second
		}
	}
}

// writes counts the requests of this process that change something.
func (p *process) writes(b *testing.B) float64 {
	b.Helper()
	total := 0.0
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		total += p.sum("rest_client_requests_total", "method", method)
	}
	return total
}

// memory is the most that the process has held, in MiB.
func (p *process) memory(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib / 1024
		}
	}
	b.Fatal("no VmHWM")
	return 0
}

// served counts the writes that the API server answered, by verb and resource.
func served(b *testing.B, config *rest.Config) map[string]float64 {
	b.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]float64{}
	for _, m := range families(client, config.Host+"/metrics")["apiserver_request_total"].GetMetric() {
		labels := map[string]string{}
		for _, pair := range m.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		switch labels["verb"] {
		case "POST", "PUT", "PATCH", "APPLY", "DELETE":
			out[labels["verb"]+" "+labels["resource"]+"/"+labels["subresource"]] += m.GetCounter().GetValue()
		}
	}
	return out
}

// families are the metrics at the URL. A process that does not answer yet has counted nothing.
func families(client *http.Client, url string) map[string]*dto.MetricFamily {
	response, err := client.Get(url)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	out, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil
	}
	return out
}

// sum adds up the values of a metric whose label has the value.
func (p *process) sum(metric, label, value string) float64 {
	total := 0.0
	for _, m := range families(http.DefaultClient, p.metrics)[metric].GetMetric() {
		if has(m, label, value) {
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return total
}

func has(m *dto.Metric, label, value string) bool {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == label && pair.GetValue() == value {
			return true
		}
	}
	return false
}
