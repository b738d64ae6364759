// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/cluster/image"
	"weir.dev/weir/internal/load"
)

// The fair is an application in which two components call a third, by every protocol. Its image tells who answered.
const (
	echoImage    = "weir.local/echo:1"
	echoSettings = "echo-settings"
)

// fairgrounds builds the fair and waits until it is open.
func (s *shop) fairgrounds() {
	s.Helper()
	binary := filepath.Join(s.bin, "echo")
	command := exec.Command("go", "build", "-o", binary, "../e2e/echo")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		s.Fatalf("%v: %s", err, output)
	}
	s.load(image.Spec{Tag: echoImage, Entrypoint: []string{"/echo"}, User: "1000", Files: []image.File{{Path: "/echo", Source: binary, Mode: 0o755}}})
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"istio-injection": "enabled"}}}
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: echoSettings}, Data: map[string]string{"GREETING": "hello"}}
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}}
	for _, name := range []string{"front", "echo", "other"} {
		c := api.Component{Name: name, Image: echoImage, Ports: []api.Port{{Port: 8080, Protocol: "http"}}, Strategy: "step"}
		c.Expose = &api.Expose{Hosts: []string{name + ".example"}}
		c.Readiness = probe("/seen", 8080)
		c.Uses = []string{"echo"}
		app.Spec.Components = append(app.Spec.Components, c)
		brand(&app.Spec.Components[len(app.Spec.Components)-1], "v0")
	}
	echo := &app.Spec.Components[1]
	echo.Uses, echo.Expose.Port = nil, 8082
	echo.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: echoSettings}}}}
	echo.Ports = append(echo.Ports, api.Port{Port: 8081, Protocol: "http2"}, api.Port{Port: 8082, Protocol: "grpc"},
		api.Port{Port: 9000, Protocol: "tcp"}, api.Port{Port: 9001, Protocol: "tcp"})
	s.create(space, settings)
	s.strategy(api.StrategySpec{})
	s.create(app)
	s.opens(app)
}

// brand makes the component another version, which it tells.
func brand(c *api.Component, version string) {
	c.Version, c.Env = version, []corev1.EnvVar{{Name: "VERSION", Value: version}}
}

// upgrade gives echo a version that there was not before, and returns it.
func (s *shop) upgrade() (version string) {
	s.Helper()
	s.versions++
	version = fmt.Sprintf("v%d", s.versions)
	s.edit(func(c *api.Component) { brand(c, version) })
	return version
}

// release runs weir release in the fair's namespace.
func (s *shop) release(args ...string) string {
	s.Helper()
	return s.weir(append(append([]string{"release"}, args...), "-n", namespace, "--kubeconfig", s.info.Kubeconfig)...)
}

// at waits until every caller serves the step of the release, and it is watched.
func (s *shop) at(release string, step int32) {
	s.Helper()
	s.await(release, func(status api.ReleaseStatus) bool {
		return status.Step == step && status.Phase == api.ReleaseObserving
	})
}

// ask is a request that is made of echo.
type ask struct {
	method, path string
	header       map[string]string
	// from is the component that calls; empty for a request that comes to echo from outside.
	from string
	// proto is h2 or grpc; empty for HTTP/1.
	proto string
}

// ports are those of echo that speak a protocol.
var ports = map[string]int{"": 8080, "h2": 8081, "grpc": 8082}

// target is where the request is sent from outside: the path, and the host.
func (a ask) target() (path, host string) {
	if a.from == "" {
		return a.path, "echo.example"
	}
	if a.proto == "tcp" {
		return "/stream?address=echo:9001", a.from + ".example"
	}
	return fmt.Sprintf("/call?proto=%s&url=%s", a.proto, url.QueryEscape(fmt.Sprintf("http://echo:%d%s", ports[a.proto], a.path))), a.from + ".example"
}

// answer is who answered, what it said, and which cookie it set.
type answer struct{ version, text, cookie string }

var (
	plain  = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	modern = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Protocols: unencrypted()}}
)

func unencrypted() *http.Protocols {
	out := new(http.Protocols)
	out.SetUnencryptedHTTP2(true)
	return out
}

// send sends the request through the gateway.
func (s *shop) send(a ask) (answer, error) {
	path, host := a.target()
	client, method, body := plain, a.method, []byte(nil)
	if a.from == "" && a.proto != "" {
		client = modern
	}
	if a.from == "" && a.proto == "grpc" {
		method, body = http.MethodPost, make([]byte, 5) // a message of nothing
	}
	request, err := http.NewRequestWithContext(s.ctx, method, s.info.GatewayURL+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Host = host
	for name, value := range a.header {
		request.Header.Set(name, value)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("Te", "trailers") //nolint:canonicalheader // Go spells TE so
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	out := answer{version: response.Header.Get("X-Version"), text: string(text)}
	if body != nil && len(text) > 5 {
		out.version = string(text[5:])
	}
	if cookies := response.Cookies(); len(cookies) > 0 {
		out.cookie = cookies[0].Name + "=" + cookies[0].Value
	}
	if err == nil && (response.StatusCode != http.StatusOK || out.version == "" || body != nil && response.Trailer.Get("Grpc-Status") != "0") {
		err = fmt.Errorf("%s, version %q, trailers %v: %s", response.Status, out.version, response.Trailer, text)
	}
	return out, err
}

// draw makes the request so often, and counts who answered.
func (s *shop) draw(a ask, times int) map[string]int {
	s.Helper()
	type one struct {
		answer
		err error
	}
	results := make(chan one)
	const atOnce = 6
	for i := range atOnce {
		go func() {
			for n := i; n < times; n += atOnce {
				got, err := s.send(a)
				results <- one{got, err}
			}
		}()
	}
	out := map[string]int{}
	for range times {
		got := <-results
		if got.err != nil {
			s.Errorf("%+v: %v", a, got.err)
		}
		out[got.version]++
	}
	return out
}

// crowd asks echo all the time, by every protocol.
func (s *shop) crowd() []*load.Runner {
	s.Helper()
	var out []*load.Runner
	for proto, rate := range map[string]float64{"": 30, "h2": 15, "grpc": 15, "tcp": 10} {
		path, host := ask{path: "/", from: "front", proto: proto}.target()
		out = append(out, s.endless(load.Options{URL: path, Host: host, Rate: rate, VersionHeader: "X-Version", MaxSamples: 4}))
	}
	return out
}

// reached waits until every way to echo is answered: a gateway that has just been told of its first
// route may not have it in every worker.
func (s *shop) reached() {
	s.Helper()
	for _, a := range []ask{{path: "/"}, {path: "/", proto: "grpc"}, {path: "/", from: "front"}, {path: "/", from: "other"}, {path: "/", from: "front", proto: "tcp"}} {
		s.eventually(fmt.Sprintf("an answer to %+v", a), func() error {
			_, err := s.send(a)
			return err
		})
	}
}

// home ends the crowd's requests, of which none may have failed.
func (s *shop) home(crowd []*load.Runner) {
	s.Helper()
	var requests int64
	for _, runner := range crowd {
		runner.Stop()
		result := runner.Wait()
		requests += result.Requests
		if result.Failed != 0 || result.OK == 0 {
			s.Errorf("%d of %d requests were lost: %+v", result.Failed, result.Requests, result.Samples)
		}
	}
	s.Logf("%d requests of the crowd", requests)
}

// seen is how often the pods of a version of echo were asked by the method.
func (s *shop) seen(version, method string) (total int) {
	s.Helper()
	var pods corev1.PodList
	err := s.client.List(s.ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{api.LabelComponent: "echo", api.LabelVersion: version})
	if err != nil || len(pods.Items) == 0 {
		s.Fatalf("%d pods of echo %s, %v", len(pods.Items), version, err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	for _, pod := range pods.Items {
		text, err := s.kubernetes().CoreV1().Pods(namespace).ProxyGet("http", pod.Name, "8080", "seen", nil).DoRaw(ctx)
		if err != nil {
			s.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var name string
			var count int
			if _, err := fmt.Sscan(line, &name, &count); err != nil {
				s.Fatal(errors.Join(err, errors.New(line)))
			}
			if name == method {
				total += count
			}
		}
	}
	return total
}
