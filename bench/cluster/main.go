// SPDX-License-Identifier: Apache-2.0

// Command cluster measures how long the local cluster takes and how much memory it needs; see bench/cluster.sh.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/image"
	"weir.dev/weir/cluster/manifest"
)

type trial struct {
	weir, archive string
	objects       []*manifest.Object
}

// figures of one run.
type figures struct {
	up, first, again float64 // seconds
	memory           float64 // MiB
}

func main() {
	weir := flag.String("weir", "", "the weir executable")
	echo := flag.String("echo", "", "the echo executable of test/e2e")
	text := flag.String("manifest", "", "the manifest of echo")
	runs := flag.Int("runs", 5, "how often to measure")
	flag.Parse()
	t, err := prepare(*weir, *echo, *text)
	if err != nil {
		log.Fatal(err)
	}
	var all []figures
	for i := range *runs {
		f, err := t.measure()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("run %d: up %.1f s, first mTLS answer %.1f s, second up %.1f s, control plane and node %.0f MiB\n",
			i+1, f.up, f.first, f.again, f.memory)
		all = append(all, f)
	}
	fmt.Printf("median: up %.1f s, first mTLS answer %.1f s, second up %.1f s, control plane and node %.0f MiB\n",
		median(all, func(f figures) float64 { return f.up }), median(all, func(f figures) float64 { return f.first }),
		median(all, func(f figures) float64 { return f.again }), median(all, func(f figures) float64 { return f.memory }))
}

func median(all []figures, pick func(figures) float64) float64 {
	var values []float64
	for _, f := range all {
		values = append(values, pick(f))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func prepare(weir, echo, text string) (*trial, error) {
	t := &trial{weir: weir, archive: filepath.Join(filepath.Dir(echo), "echo.tar")}
	spec := image.Spec{
		Tag: "weir.local/echo:1", Entrypoint: []string{"/echo"}, User: "1000",
		Files: []image.File{{Path: "/echo", Source: echo, Mode: 0o755}},
	}
	if err := image.Build(spec, t.archive); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(text)
	if err != nil {
		return nil, err
	}
	t.objects, err = manifest.Parse(content)
	return t, err
}

func (t *trial) run(args ...string) ([]byte, error) {
	command := exec.Command(t.weir, append([]string{"cluster"}, args...)...)
	command.Stderr = os.Stderr
	return command.Output()
}

func (t *trial) measure() (f figures, err error) {
	begin := time.Now()
	if _, err := t.run("up"); err != nil {
		return f, err
	}
	f.up = time.Since(begin).Seconds()
	if err := t.deploy(); err != nil {
		return f, err
	}
	f.first = time.Since(begin).Seconds()
	begin = time.Now()
	if _, err := t.run("up"); err != nil {
		return f, err
	}
	f.again = time.Since(begin).Seconds()
	content, err := t.run("status", "-o", "json")
	if err != nil {
		return f, err
	}
	var status cluster.Status
	if err := json.Unmarshal(content, &status); err != nil {
		return f, err
	}
	f.memory = float64(status.NodeBytes) / (1 << 20)
	_, err = t.run("down")
	return f, err
}

// deploy returns when the gateway's Envoy and the pod's have carried the first request.
func (t *trial) deploy() error {
	info, err := cluster.Find(cluster.Ref{Name: os.Getenv("WEIR_CLUSTER"), Root: os.Getenv("WEIR_STATE_DIR")})
	if err != nil {
		return err
	}
	if _, err := t.run("load-image", t.archive); err != nil {
		return err
	}
	client, err := manifest.Dial(info.Kubeconfig)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := client.Apply(ctx, t.objects); err != nil {
		return err
	}
	return manifest.Poll(ctx, func(ctx context.Context) (bool, error) { return answered(ctx, info.GatewayURL), nil })
}

// answered says whether an answer names the gateway's identity, which the pod's sidecar only learns by mutual TLS.
func answered(ctx context.Context, gateway string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, gateway, nil)
	if err != nil {
		return false
	}
	request.Host = "echo.example"
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return strings.Contains(string(body), "URI=spiffe://cluster.local/ns/istio-ingress/")
}
