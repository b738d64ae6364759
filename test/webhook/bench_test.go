// SPDX-License-Identifier: Apache-2.0

//go:build api

package webhook_test

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	admission "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/test/apiserver"
)

// process starts the controller as a program of its own, on one core, and waits until it is asked.
func process(b *testing.B) (address string) {
	b.Helper()
	weir, kubeconfig := filepath.Join(b.TempDir(), "weir"), filepath.Join(b.TempDir(), "kubeconfig")
	build := exec.Command("go", "build", "-o", weir, "../../cmd/weir")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, output)
	}
	if err := apiserver.Kubeconfig(kubeconfig, config); err != nil {
		b.Fatal(err)
	}
	port := freePort(b)
	address = fmt.Sprintf("https://127.0.0.1:%d", port)
	command := exec.Command(weir, "controller", "--metrics-address=0", "--health-address=0", "--log-level=error", "--webhook-namespace="+system,
		fmt.Sprintf("--webhook-port=%d", port), "--webhook-url="+address)
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "GOMAXPROCS=1")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	eventually(b, func() error {
		if err := direct.Create(b.Context(), parse(telltale), client.DryRunAll); refusedBy(err) != "webhook" {
			return fmt.Errorf("nobody is asked: %w", err)
		}
		return nil
	})
	return address
}

// BenchmarkAnswer asks the webhooks 500 times a second, in an open loop, about the Bookinfo application and a strategy, and
// measures from when the question was due until its answer is there.
func BenchmarkAnswer(b *testing.B) {
	const rate, questions = 500, 5000
	address := process(b)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(live(b).Webhooks[0].ClientConfig.CABundle)
	c := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}}
	reviews := []struct{ path, body string }{
		{"/validate/applications", question(b, "applications", bookinfo(b))},
		{"/validate/strategies", question(b, "strategies", "{steps: [{weight: 10}, {weight: 50}], analysis: {successRate: {minPercent: 99}}}")},
	}
	for b.Loop() {
		took := make([]time.Duration, questions)
		var all sync.WaitGroup
		begin := time.Now()
		for i := range questions {
			due := begin.Add(time.Duration(i) * time.Second / rate)
			<-time.After(time.Until(due))
			all.Go(func() {
				r := reviews[i%len(reviews)]
				answer, err := c.Post(address+r.path, "application/json", strings.NewReader(r.body))
				if err != nil {
					b.Error(err)
					return
				}
				body, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				took[i] = time.Since(due)
				if !bytes.Contains(body, []byte(`"allowed":true`)) {
					b.Errorf("refused: %s", body)
				}
			})
		}
		all.Wait()
		report(b, "", took)
	}
}

// BenchmarkWrite writes the same strategy by turns to a namespace that the webhooks are asked about, and to one that they
// are not: everything else is the same.
func BenchmarkWrite(b *testing.B) {
	const turns = 3000
	process(b)
	for b.Loop() {
		took := map[string][]time.Duration{}
		for i := range turns {
			for _, namespace := range []string{shop, system} {
				o := parse(strategy("steps: [{weight: 10}]"))
				o.SetNamespace(namespace)
				o.SetName(fmt.Sprintf("bench-%d", i))
				begin := time.Now()
				if err := direct.Create(b.Context(), o); err != nil {
					b.Fatal(err)
				}
				took[namespace] = append(took[namespace], time.Since(begin))
			}
		}
		report(b, "with-", took[shop])
		report(b, "without-", took[system])
		b.ReportMetric(float64(quantile(took[shop], 99))/float64(quantile(took[system], 99)), "p99-ratio")
	}
}

func report(b *testing.B, prefix string, took []time.Duration) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	for _, q := range []int{50, 99} {
		b.ReportMetric(float64(quantile(took, q).Microseconds())/1000, fmt.Sprintf("%sp%d-ms", prefix, q))
	}
}

func quantile(took []time.Duration, percent int) time.Duration {
	sorted := slices.SortedFunc(slices.Values(took), cmp.Compare[time.Duration])
	return sorted[len(sorted)*percent/100]
}

// bookinfo is the example application.
func bookinfo(b *testing.B) string {
	b.Helper()
	paths, err := filepath.Glob("../../examples/bookinfo/manifest/*.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			if strings.Contains(document, "kind: Application") {
				spec, err := json.Marshal(parse(document).Object["spec"])
				if err != nil {
					b.Fatal(err)
				}
				return string(spec)
			}
		}
	}
	b.Fatal("no example application")
	return ""
}

// question is what the API server asks when somebody creates the object.
func question(b *testing.B, resource, spec string) string {
	b.Helper()
	kind := map[string]string{"applications": "Application", "strategies": "Strategy"}[resource]
	object, err := json.Marshal(parse("{apiVersion: weir.dev/v1alpha1, kind: " + kind + ", metadata: {name: bench, namespace: bench}, spec: " + spec + "}").Object)
	if err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(admission.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admission.AdmissionRequest{
			UID: "1", Operation: admission.Create, Namespace: "bench", Name: "bench", Object: runtime.RawExtension{Raw: object},
			Kind:     metav1.GroupVersionKind{Group: "weir.dev", Version: "v1alpha1", Kind: kind},
			Resource: metav1.GroupVersionResource{Group: "weir.dev", Version: "v1alpha1", Resource: resource},
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}
