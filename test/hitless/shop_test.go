// SPDX-License-Identifier: Apache-2.0

//go:build hitless

// Package hitless proves, under load and through real proxies that do not retry, that no transition loses a request.
package hitless

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/image"
	"weir.dev/weir/internal/kube"
)

// The cluster is this process's own: two runs on one machine leave each other alone.
var (
	clusterName = fmt.Sprintf("e2e-hitless-%d", os.Getpid())
	stateDir    = "/var/lib/weir-" + clusterName
)

// patience is how long an answer may take: on a machine that stands still for seconds it comes late, and is not lost.
const patience = 30 * time.Second

const (
	namespace = "shop"
	ratings   = "weir.local/hitless/ratings:v1"
	reviews   = "weir.local/hitless/reviews:v2"
)

// shop is an application on a cluster of this test's own: the gateway and reviews call ratings, which are released.
type shop struct {
	testing.TB
	ctx    context.Context
	bin    string
	info   cluster.Info
	config *rest.Config
	client client.Client
	// versions counts the versions of ratings so far.
	versions int
}

func newShop(t testing.TB) *shop {
	s := newCluster(t)
	s.images()
	s.open()
	return s
}

// newCluster has Weir installed, and nothing else yet.
func newCluster(t testing.TB) *shop {
	s := &shop{TB: t, ctx: t.Context(), bin: t.TempDir()}
	s.build("weir", "../../cmd/weir")
	s.build("bookinfo", "../../examples/bookinfo")
	cleanup := func() { s.cluster("down") }
	t.Cleanup(cleanup)
	s.cluster("up")
	s.connect()
	s.noRetries()
	s.weir("install", "--kubeconfig", s.info.Kubeconfig, "--image", s.weirImage(), "--set", "replicas=1")
	return s
}

func (s *shop) build(name, source string) {
	s.Helper()
	command := exec.Command("go", "build", "-o", filepath.Join(s.bin, name), source)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		s.Fatalf("%v: %s", err, output)
	}
}

func (s *shop) cluster(verb string) {
	s.weir("cluster", verb, "--name", clusterName, "--state-dir", stateDir)
}

func (s *shop) weir(args ...string) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(s.bin, "weir"), args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		s.Fatalf("weir %s: %v\n%s%s", strings.Join(args, " "), err, output, stderr.String())
	}
	return string(output)
}

func (s *shop) connect() {
	info, err := cluster.Find(cluster.Ref{Name: clusterName, Root: stateDir})
	if err != nil {
		s.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", info.Kubeconfig)
	if err != nil {
		s.Fatal(err)
	}
	s.info = info
	config.QPS = -1 // a test that is held back misses phases
	s.config = config
	if s.client, err = client.New(config, client.Options{Scheme: kube.Scheme()}); err != nil {
		s.Fatal(err)
	}
}

// noRetries takes away the retries that Istio gives every route, which hide what is lost.
func (s *shop) noRetries() {
	var settings corev1.ConfigMap
	if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: "istio-system", Name: "istio"}, &settings); err != nil {
		s.Fatal(err)
	}
	settings.Data["mesh"] += "\ndefaultHttpRetryPolicy:\n  attempts: 0\n"
	if err := s.client.Update(s.ctx, &settings); err != nil {
		s.Fatal(err)
	}
}

func (s *shop) images() {
	s.image(ratings, "bookinfo", "ratings")
	s.image(reviews, "bookinfo", "reviews", "--version", "v2", "--call-timeout", patience.String())
}

// image makes one that runs a program of the tests.
func (s *shop) image(tag, name string, args ...string) {
	s.Helper()
	s.load(image.Spec{
		Tag: tag, Entrypoint: append([]string{"/" + name}, args...), User: "65532:65532",
		Files: []image.File{{Path: "/" + name, Source: filepath.Join(s.bin, name), Mode: 0o755}},
	})
}

func (s *shop) load(spec image.Spec) {
	out := filepath.Join(s.TempDir(), "image.tar")
	if err := image.Build(spec, out); err != nil {
		s.Fatal(err)
	}
	if err := cluster.LoadImage(s.ctx, cluster.Ref{Name: clusterName, Root: stateDir}, out); err != nil {
		s.Fatal(err)
	}
}

func (s *shop) weirImage() string {
	const tag = "weir.local/weir:hitless"
	s.image(tag, "weir")
	return tag
}

// open makes the application and waits until all of it is ready.
func (s *shop) open() {
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"istio-injection": "enabled"}}}
	if err := s.client.Create(s.ctx, space); err != nil {
		s.Fatal(err)
	}
	s.strategy(api.StrategySpec{})
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}}
	port := []api.Port{{Port: 9080, Protocol: "http"}}
	app.Spec.Components = []api.Component{
		{Name: "reviews", Image: reviews, Ports: port, Uses: []string{"ratings"}, Expose: &api.Expose{Paths: []string{"/reviews"}}},
		{
			Name: "ratings", Image: ratings, Version: "v0", Ports: port, Strategy: "step",
			Replicas: new(int32(2)), Expose: &api.Expose{Paths: []string{"/ratings"}},
		},
	}
	app.Spec.Components[1].Args = []string{"--version", "v0"}
	app.Spec.Components[1].Readiness = readiness()
	if err := s.client.Create(s.ctx, app); err != nil {
		s.Fatal(err)
	}
	s.opens(app)
}

func (s *shop) create(objects ...client.Object) {
	s.Helper()
	for _, o := range objects {
		if err := s.client.Create(s.ctx, o); err != nil {
			s.Fatal(err)
		}
	}
}

// opens waits until the application says that it is ready.
func (s *shop) opens(app *api.Application) {
	s.Helper()
	s.eventually(app.Name, func() error {
		if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(app), app); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(app.Status.Conditions, api.ConditionReady) {
			return fmt.Errorf("not ready: %+v", app.Status.Conditions)
		}
		return nil
	})
}

// readiness asks the server itself: it listens before it can answer.
func readiness() *corev1.Probe { return probe("/healthz", 9080) }

// probe is patient, too: a pod that is slow since the machine is does not leave.
func probe(path string, port int32) *corev1.Probe {
	return &corev1.Probe{
		PeriodSeconds: 1, TimeoutSeconds: 10,
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(port)}},
	}
}

// strategy sets how the next release goes. It is short: what matters is how often something changes.
func (s *shop) strategy(spec api.StrategySpec) {
	s.Helper()
	spec.Drain = &metav1.Duration{Duration: 2 * time.Second}
	if len(spec.Steps) == 0 && spec.Type == "" {
		for _, weight := range []int32{10, 50} {
			spec.Steps = append(spec.Steps, api.Step{Weight: weight, Hold: &metav1.Duration{Duration: time.Second}})
		}
	}
	strategy := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "step"}, Spec: spec}
	err := s.client.Create(s.ctx, strategy)
	if client.IgnoreAlreadyExists(err) == nil {
		err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
			if err := s.client.Get(s.ctx, client.ObjectKeyFromObject(strategy), strategy); err != nil {
				return err
			}
			strategy.Spec = spec
			return s.client.Update(s.ctx, strategy)
		})
	}
	if err != nil {
		s.Fatal(err)
	}
}

// next gives ratings a version that there was not before, and returns the name of its release.
func (s *shop) next(args ...string) string {
	s.Helper()
	s.versions++
	version := fmt.Sprintf("v%d", s.versions)
	s.edit(func(c *api.Component) {
		c.Version, c.Args = version, append([]string{"--version", version}, args...)
	})
	return "ratings-" + version
}

func (s *shop) edit(change func(*api.Component)) {
	s.Helper()
	s.editAt(1, change)
}

// editAt changes the component at the index.
func (s *shop) editAt(index int, change func(*api.Component)) {
	s.Helper()
	s.change(func(spec *api.ApplicationSpec) { change(&spec.Components[index]) })
}

// change changes the application.
func (s *shop) change(edit func(*api.ApplicationSpec)) {
	s.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var app api.Application
		if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: "shop"}, &app); err != nil {
			return err
		}
		edit(&app.Spec)
		return s.client.Update(s.ctx, &app)
	})
	if err != nil {
		s.Fatal(err)
	}
}

// await waits until the release is as wanted.
func (s *shop) await(name string, wanted func(api.ReleaseStatus) bool) api.Release {
	s.Helper()
	var release api.Release
	s.eventually("release "+name, func() error {
		if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: name}, &release); err != nil {
			return err
		}
		if !wanted(release.Status) {
			return fmt.Errorf("%s at step %d: %s", release.Status.Phase, release.Status.Step, release.Status.Message)
		}
		return nil
	})
	return release
}

func (s *shop) ends(name string, phase api.ReleasePhase) {
	s.Helper()
	release := s.await(name, func(status api.ReleaseStatus) bool { return status.Phase.Finished() })
	if release.Status.Phase != phase {
		s.Errorf("%s: %s (%s), want %s", name, release.Status.Phase, release.Status.Message, phase)
	}
}

func (s *shop) eventually(what string, check func() error) {
	s.Helper()
	var last error
	err := wait.PollUntilContextTimeout(s.ctx, 20*time.Millisecond, 3*time.Minute, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		s.tell()
		s.Fatalf("%s: %v", what, last)
	}
}
