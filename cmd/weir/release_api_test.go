// SPDX-License-Identifier: Apache-2.0

//go:build api

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/revision"
	"weir.dev/weir/test/apiserver"
)

// server is the API server that all tests of this package share.
var server *rest.Config

func TestMain(m *testing.M) {
	config, stop, err := apiserver.Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server = config
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// shell runs command lines against a real API server, on which no controller runs: the test writes what it would.
type shell struct {
	*testing.T
	client     client.Client
	kubeconfig string
	namespace  string
}

// newShell makes a namespace of that name for the test.
func newShell(t *testing.T, namespace string) shell {
	t.Helper()
	c, err := client.New(server, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	s := shell{T: t, client: c, kubeconfig: writeKubeconfig(t, server), namespace: namespace}
	s.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	// The way in is one for all: what is left in it would take the requests of other tests.
	t.Cleanup(func() {
		if err := c.DeleteAllOf(context.Background(), &istionet.VirtualService{}, client.InNamespace(namespace)); err != nil {
			t.Error(err)
		}
	})
	return s
}

func writeKubeconfig(t *testing.T, config *rest.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := apiserver.Kubeconfig(path, config); err != nil {
		t.Fatal(err)
	}
	return path
}

// weir runs a command line and returns what it printed.
func (s shell) weir(code int, args ...string) string {
	s.Helper()
	var out, errors bytes.Buffer
	args = append(args, "--kubeconfig", s.kubeconfig)
	if !slices.Contains(args, "-A") && !slices.Contains(args, "-n") {
		args = append(args, "-n", s.namespace)
	}
	if got := run(s.Context(), args, &out, &errors); got != code {
		s.Fatalf("weir %s: exit code %d, want %d:\n%s%s", strings.Join(args, " "), got, code, &out, &errors)
	}
	return out.String() + errors.String()
}

func (s shell) says(code int, want string, args ...string) {
	s.Helper()
	if got := s.weir(code, args...); !strings.Contains(got, want) {
		s.Errorf("weir %s says %q, want %q", strings.Join(args, " "), got, want)
	}
}

func (s shell) create(objects ...client.Object) {
	s.Helper()
	for _, o := range objects {
		status := o.DeepCopyObject().(client.Object)
		if err := s.client.Create(s.Context(), o); err != nil {
			s.Fatal(err)
		}
		switch status := status.(type) {
		case *api.Release:
			o.(*api.Release).Status = status.Status
			s.status(o)
		case *api.Application:
			o.(*api.Application).Status = status.Status
			s.status(o)
		}
	}
}

func (s shell) status(o client.Object) {
	s.Helper()
	if err := s.client.Status().Update(s.Context(), o); err != nil {
		s.Fatal(err)
	}
}

func (s shell) release() *api.Release {
	s.Helper()
	var r api.Release
	if err := s.client.Get(s.Context(), client.ObjectKey{Namespace: s.namespace, Name: "reviews-v2"}, &r); err != nil {
		s.Fatal(err)
	}
	return &r
}

// bookinfo is an application in the middle of a release.
func (s shell) bookinfo() {
	s.Helper()
	reviews := api.Component{
		Name: "reviews", Image: "reviews:v2", Ports: []api.Port{{Port: 9080, Protocol: "http"}}, Replicas: ptr.To[int32](3), Strategy: "careful",
	}
	was := reviews
	was.Image, was.Args, was.Replicas = "reviews:v1", []string{"--stars=none"}, ptr.To[int32](1)
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "bookinfo"}, Spec: api.ApplicationSpec{Components: []api.Component{reviews}}}
	app.Status = api.ApplicationStatus{
		ObservedGeneration: 1, Components: []api.ComponentStatus{{Name: "reviews", Current: "v1", Desired: "v2", Release: "reviews-v2"}},
	}
	underWay := readRelease(s.T)
	underWay.Namespace = s.namespace
	s.create(app, s.kept(was, 1), s.kept(reviews, 2), underWay)
}

func (s shell) kept(c api.Component, number int64) *appsv1.ControllerRevision {
	s.Helper()
	data, err := json.Marshal(revision.Freeze(c))
	if err != nil {
		s.Fatal(err)
	}
	version := revision.Version(c, nil)
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: revision.Name(c.Name, version), Labels: map[string]string{
			api.LabelApplication: "bookinfo", api.LabelComponent: c.Name, api.LabelVersion: version,
		}},
		Data: runtime.RawExtension{Raw: data}, Revision: number,
	}
}

func TestReleaseCommands(t *testing.T) {
	s := newShell(t, "commands")
	s.bookinfo()

	s.says(0, "reviews-v2", "release", "list", "-A")
	s.says(0, "no releases", "release", "list", "ratings")
	s.says(0, "behind: bookinfo/productpage-v1-7d9", "release", "get", "reviews")
	s.says(1, `neither a release "ratings" nor a component`, "release", "get", "ratings")
	s.says(1, "--output xml: use json or yaml", "release", "get", "reviews", "-o", "xml")

	s.says(0, "paused", "release", "pause", "reviews")
	s.says(0, "Paused", "release", "list")
	s.says(0, "goes on", "release", "resume", "reviews-v2")
	s.says(0, "step 2 ends", "release", "skip", "reviews")
	s.says(0, "gate tested approved by ", "release", "approve", "reviews")
	s.says(1, "only what went back can be tried again", "release", "retry", "reviews")
	s.says(0, "the remaining steps are skipped", "release", "promote", "reviews")
	r := s.release()
	if r.Spec.Skip != 2 || !r.Spec.Promote || r.Spec.Paused || len(r.Spec.Approvals) != 1 {
		t.Errorf("the commands came to %+v", r.Spec)
	}
	if a := r.Spec.Approvals[0]; a.Gate != "tested" || a.Step != 3 || a.By == "" || time.Since(a.At.Time) > time.Minute {
		t.Errorf("the approval is %+v", a)
	}
	s.says(0, "all requests go back", "release", "abort", "reviews")

	r = s.release()
	r.Status.Phase, r.Status.Reason, r.Status.Message = api.ReleaseRolledBack, "Aborted", "back to v1: aborted"
	s.status(r)
	s.says(1, "it has ended: back to v1: aborted", "release", "pause", "reviews")
	s.says(0, "v2 is tried again", "release", "retry", "reviews")
	if !s.release().Spec.Retry {
		t.Error("retry did not reach the release")
	}
}

func TestReleasePlan(t *testing.T) {
	s := newShell(t, "plan")
	s.bookinfo()
	s.says(1, "say what to plan", "release", "plan")
	s.says(1, `there is no Strategy "careful"; there are none; create it`, "release", "plan", "--app", "bookinfo")
	s.says(1, "the API server refuses the application", "release", "plan", "--component", "reviews", "--image", "a b")

	lent := &api.Strategy{ObjectMeta: metav1.ObjectMeta{Namespace: "plan-templates", Name: "careful"}, Spec: api.StrategySpec{Steps: []api.Step{{Weight: 35}}}}
	s.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: lent.Namespace}}, lent)
	s.says(0, "35 % to v3", "release", "plan", "--component", "reviews", "--image", "reviews:v3", "--template-namespace", lent.Namespace)

	file := filepath.Join(t.TempDir(), "strategy.yaml")
	text := "{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: careful}, spec: {steps: [{weight: 25}]}}"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := s.weir(0, "release", "plan", "-f", file, "--component", "reviews", "--image", "reviews:v3")
	for _, want := range []string{"reviews: v1 → v3 by strategy careful (Canary)", "release reviews-v2 to v2 would go back first", "+      weight: 25"} {
		if !strings.Contains(got, want) {
			t.Errorf("the plan does not say %q:\n%s", want, got)
		}
	}
	s.says(0, `"podsAtMost": 6`, "release", "plan", "-f", file, "--component", "reviews", "--image", "reviews:v3", "-o", "json")

	theirs := &istionet.DestinationRule{ObjectMeta: metav1.ObjectMeta{Namespace: lent.Namespace, Name: "theirs"}}
	theirs.Spec.Host = "*.plan.svc.cluster.local"
	s.create(theirs)
	s.says(1, "DestinationRule plan-templates/theirs rules reviews.plan.svc.cluster.local, too, for callers in plan-templates; ",
		"release", "plan", "-f", file, "--component", "reviews", "--image", "reviews:v3")
	if err := s.client.Delete(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}

	text = "{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: careful}, spec: {steps: [{weight: 125}]}}"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.says(1, "the API server refuses the strategy: ", "release", "plan", "-f", file, "--component", "reviews")
	var strategies api.StrategyList
	if err := s.client.List(t.Context(), &strategies, client.InNamespace("plan")); err != nil || len(strategies.Items) > 0 {
		t.Errorf("a plan has written: %v, %v", strategies.Items, err)
	}
}

func TestReleaseUndo(t *testing.T) {
	s := newShell(t, "undo")
	s.bookinfo()
	s.says(0, "reviews:v1", "release", "history", "reviews")
	s.says(1, `nothing is kept of version "v7" of reviews; there are: v1, v2`, "release", "undo", "reviews", "--to", "v7")
	s.says(1, "component reviews is v2 already", "release", "undo", "reviews", "--to", "v2")
	s.says(1, `no application "shop" with a component "reviews"`, "release", "undo", "reviews", "--app", "shop")
	s.says(0, "reviews is to be v1 again", "release", "undo", "reviews")
	var app api.Application
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "bookinfo"}, &app); err != nil {
		t.Fatal(err)
	}
	want := api.Component{
		Name: "reviews", Kind: "Deployment", Image: "reviews:v1", Args: []string{"--stars=none"}, Ports: []api.Port{{Port: 9080, Protocol: "http"}},
		Replicas: ptr.To[int32](3), Strategy: "careful", Mesh: ptr.To(true),
	}
	if diff := cmp.Diff(want, app.Spec.Components[0]); diff != "" {
		t.Error("-want +got\n" + diff)
	}
}

func TestReleaseWatch(t *testing.T) {
	for name, tt := range map[string]struct {
		end  api.ReleasePhase
		code int
		want string
	}{
		"promoted":    {api.ReleasePromoted, 0, "v2 serves everything"},
		"rolled back": {api.ReleaseRolledBack, 1, "release reviews-v2 was rolled back: v2 serves everything"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, fmt.Sprintf("watch-%d", tt.code))
			s.bookinfo()
			s.says(1, "has not ended after 200ms", "release", "watch", "reviews", "--timeout", "200ms")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			seen, out := make(chan struct{}, 100), &bytes.Buffer{}
			ended := make(chan int, 1)
			go func() {
				args := []string{"release", "watch", "reviews", "-n", s.namespace, "--kubeconfig", s.kubeconfig}
				ended <- run(ctx, args, writerFunc(func(p []byte) (int, error) {
					seen <- struct{}{}
					return out.Write(p)
				}), out)
			}()
			<-seen // it watches
			r := s.release()
			r.Status.Phase, r.Status.Message = tt.end, "v2 serves everything"
			s.status(r)
			if code := <-ended; code != tt.code || !strings.Contains(out.String(), tt.want) {
				t.Errorf("exit code %d, want %d; it said:\n%s", code, tt.code, out)
			}
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
