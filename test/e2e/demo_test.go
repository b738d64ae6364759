// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/cluster"
	"weir.dev/weir/internal/demo"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/load"
)

const (
	demoName  = "e2e-demo"
	namespace = "bookinfo"
)

// shop is Bookinfo on a cluster of this test's own, brought there by weir demo.
type shop struct {
	bin, root string
	info      cluster.Info
	client    client.Client
}

// TestDemo goes the whole way a new user goes, and then some that a user would rather not.
func TestDemo(t *testing.T) {
	before := traces(t)
	s := &shop{bin: t.TempDir(), root: "/var/lib/weir-" + demoName}
	build(t, filepath.Join(s.bin, "weir"), "../../cmd/weir")
	build(t, filepath.Join(s.bin, "bookinfo"), "../../examples/bookinfo")
	t.Cleanup(func() { s.weir(t, "cluster", "down") })
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"a good version is promoted without a failed request", s.testGood},
		{"a bad version goes back", s.testBad},
		{"an image that cannot be pulled touches nothing", s.testNoImage},
		{"a killed controller goes on where it was", s.testKilledController},
		{"every way in carries what it is for", s.testWays},
		{"an application with all there is runs", s.testWhole},
		{"what the mesh trips over is found", s.testCheck},
		{"pods that came up without a sidecar are found and replaced", s.testSidecar},
		{"nobody is harmed when everything is dead, and starts from zero", s.testEverythingDead},
		{"deleting the application deletes all of it", s.testDelete},
		{"uninstall leaves the cluster as it was", s.testUninstall},
	} {
		if !t.Run(step.name, step.run) {
			s.tell(t)
			break
		}
	}
	s.weir(t, "cluster", "down")
	equal(t, before.all(), traces(t).all())
}

// weir runs the command on this cluster and returns what it printed.
func (s *shop) weir(t *testing.T, args ...string) string {
	t.Helper()
	args = append(args, "--name", demoName, "--state-dir", s.root)
	return s.run(t, args...)
}

func (s *shop) run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(s.bin, "weir"), args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	begin := time.Now()
	output, err := command.Output()
	if err != nil {
		t.Fatalf("weir %s: %v\n%s%s", strings.Join(args, " "), err, output, stderr.String())
	}
	t.Logf("weir %s: %.1fs", strings.Join(args, " "), time.Since(begin).Seconds())
	return string(output)
}

func (s *shop) demo(t *testing.T, args ...string) demo.Result {
	t.Helper()
	text := s.weir(t, append([]string{"demo", "-o", "json"}, args...)...)
	var result demo.Result
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		t.Fatalf("not one JSON object: %v\n%s", err, text)
	}
	return result
}

func (s *shop) testGood(t *testing.T) {
	result := s.demo(t)
	s.connect(t)
	if result.Result != demo.Promoted || result.Failed != 0 || result.Rate < 95 {
		t.Errorf("%s, %d of %d failed at %.0f/s, want promoted, none, at 100/s; %+v", result.Result, result.Failed, result.Requests, result.Rate, result.Samples)
	}
	var weights []int32
	for _, step := range result.Steps {
		weights = append(weights, step.Weight)
		if step.VerifiedAt == nil || step.VerifiedAt.Before(step.WantedAt) {
			t.Errorf("step %d %%: wanted at %v, verified at %v", step.Weight, step.WantedAt, step.VerifiedAt)
		}
	}
	if want := []int32{10, 30, 60, 100}; fmt.Sprint(weights) != fmt.Sprint(want) {
		t.Errorf("weights %v, want %v", weights, want)
	}
}

func (s *shop) testBad(t *testing.T) {
	result := s.demo(t, "--bad")
	if result.Result != demo.RolledBack || result.Reason != "Unhealthy" {
		t.Fatalf("%s (%s: %s), want rolledBack as Unhealthy", result.Result, result.Reason, result.Message)
	}
	if result.FailedByNew == 0 || result.Failed != result.FailedByNew {
		t.Errorf("%d failed, %d of them errors of the bad version; want all of them, and some; %+v", result.Failed, result.FailedByNew, result.Samples)
	}
	if result.BackSeconds == nil || *result.BackSeconds > 5 {
		t.Errorf("back after %v s, want at most 5", result.BackSeconds)
	}
}

// connect reaches the cluster that the demonstration made.
func (s *shop) connect(t *testing.T) {
	t.Helper()
	info, err := cluster.Find(cluster.Ref{Name: demoName, Root: s.root})
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", info.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	s.info = info
	config.QPS = -1 // thousands of objects are written when nobody is to be harmed
	if s.client, err = client.New(config, client.Options{Scheme: kube.Scheme()}); err != nil {
		t.Fatal(err)
	}
}

// set gives reviews another image and version.
func (s *shop) set(t *testing.T, change func(*api.Component)) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var app api.Application
		if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "bookinfo"}, &app); err != nil {
			return err
		}
		for i := range app.Spec.Components {
			if app.Spec.Components[i].Name == "reviews" {
				change(&app.Spec.Components[i])
			}
		}
		return s.client.Update(t.Context(), &app)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// until waits until the release is as wanted, and fails with how it is otherwise.
func (s *shop) until(t *testing.T, name string, wanted func(api.ReleaseStatus) bool) api.Release {
	t.Helper()
	var release api.Release
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		err := s.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &release)
		return err == nil && wanted(release.Status), client.IgnoreNotFound(err)
	})
	if err != nil {
		t.Fatalf("release %s: %v; phase %q: %s", name, err, release.Status.Phase, release.Status.Message)
	}
	return release
}

func (s *shop) load(t *testing.T) *load.Runner {
	t.Helper()
	runner, err := load.Start(t.Context(), demo.Load(s.info.GatewayURL, 100, 5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return runner
}

func (s *shop) testNoImage(t *testing.T) {
	runner := s.load(t)
	s.set(t, func(c *api.Component) {
		c.Image, c.Version, c.Args = "weir.local/bookinfo/reviews:absent", "", nil
	})
	s.until(t, "reviews-absent", func(status api.ReleaseStatus) bool {
		return status.Phase == api.ReleasePreparing && strings.Contains(status.Message, "cannot be pulled")
	})
	s.run(t, "release", "abort", "reviews-absent", "-n", namespace, "--kubeconfig", s.info.Kubeconfig)
	release := s.until(t, "reviews-absent", func(status api.ReleaseStatus) bool { return status.Phase.Finished() })
	if release.Status.Phase != api.ReleaseRolledBack || len(release.Status.Steps) != 0 {
		t.Errorf("%s after %d steps, want RolledBack before any", release.Status.Phase, len(release.Status.Steps))
	}
	s.none(t, runner)
}

// none ends the load and fails if any request did.
func (s *shop) none(t *testing.T, runner *load.Runner) {
	t.Helper()
	runner.Stop()
	result := runner.Wait()
	if result.Failed != 0 || result.Requests == 0 {
		t.Errorf("%d of %d requests failed: %+v", result.Failed, result.Requests, result.Samples)
	}
}

func (s *shop) testKilledController(t *testing.T) {
	runner := s.load(t)
	s.set(t, func(c *api.Component) { c.Image, c.Version, c.Args = "weir.local/bookinfo/reviews:v3", "", nil })
	for _, phase := range []api.ReleasePhase{api.ReleasePreparing, api.ReleaseObserving, api.ReleaseDraining} {
		s.until(t, "reviews-v3", func(status api.ReleaseStatus) bool { return status.Phase == phase || status.Phase.Finished() })
		err := s.client.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("weir-system"), client.GracePeriodSeconds(0),
			client.MatchingLabels{"app.kubernetes.io/name": "weir"})
		if err != nil {
			t.Fatal(err)
		}
	}
	release := s.until(t, "reviews-v3", func(status api.ReleaseStatus) bool { return status.Phase.Finished() })
	if release.Status.Phase != api.ReleasePromoted || len(release.Status.Steps) != 4 {
		t.Errorf("%s after %d steps (%s), want Promoted after 4", release.Status.Phase, len(release.Status.Steps), release.Status.Message)
	}
	s.none(t, runner)
}

func (s *shop) testDelete(t *testing.T) {
	app := &api.Application{}
	app.Namespace, app.Name = namespace, "bookinfo"
	if err := s.client.Delete(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		var left []string
		for _, list := range []client.ObjectList{&appsv1.DeploymentList{}, &corev1.PodList{}, &corev1.ServiceList{}, &api.ReleaseList{}, &appsv1.ControllerRevisionList{}} {
			if err := s.client.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
				return err.Error()
			}
			if n := apimeta.LenList(list); n > 0 {
				left = append(left, fmt.Sprintf("%d in %T", n, list))
			}
		}
		if len(left) > 0 {
			return "still there: " + strings.Join(left, ", ")
		}
		return ""
	})
}

func (s *shop) testUninstall(t *testing.T) {
	s.run(t, "uninstall", "--purge", "--yes", "--kubeconfig", s.info.Kubeconfig)
	var spaces corev1.NamespaceList
	if err := s.client.List(t.Context(), &spaces); err != nil {
		t.Fatal(err)
	}
	for _, space := range spaces.Items {
		if space.Name == "weir-system" && space.DeletionTimestamp == nil {
			t.Errorf("namespace %s is left", space.Name)
		}
	}
}

// tell logs what helps to understand a failure.
// tellWritten shows what the controllers wrote of reviews, and what they said.
func (s *shop) tellWritten(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{
		{"get", "application,virtualservice,destinationrule,release", "-n", namespace, "-o", "yaml"},
		{"get", "pods,leases", "-n", "weir-system", "-o", "wide"},
		{"logs", "-n", "weir-system", "-l", "app.kubernetes.io/name=weir", "--tail=200", "--prefix"},
	} {
		output, err := exec.Command("kubectl", append(args, "--kubeconfig", s.info.Kubeconfig)...).CombinedOutput()
		t.Logf("kubectl %s (%v):\n%s", strings.Join(args, " "), err, output)
	}
}

func (s *shop) tell(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{
		{"cluster", "status", "--name", demoName, "--state-dir", s.root},
		{"release", "list", "-n", namespace, "--kubeconfig", s.info.Kubeconfig},
	} {
		output, err := exec.Command(filepath.Join(s.bin, "weir"), args...).CombinedOutput()
		t.Logf("weir %s (%v):\n%s", strings.Join(args, " "), err, output)
	}
	s.tellWritten(t)
	_ = os.Stdout.Sync()
}
