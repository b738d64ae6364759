// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/cluster"
	"weir.dev/weir/test/harm"
)

// leastKinds is how many kinds of Kubernetes have to be written.
const leastKinds = 60

var (
	ours  = client.ObjectKey{Namespace: "weir-system", Name: "weir-controller"}
	names = client.ObjectKey{Namespace: "kube-system", Name: "coredns"}
	// vital are whom others may ask, or wait for.
	vital = []client.ObjectKey{ours, {Namespace: "istio-system", Name: "istiod"}, names}
)

// testEverythingDead takes our webhook, istiod and DNS away, writes every kind of object, lets everything start from zero
// with none of them there, and expects DNS and pods outside of the mesh to come.
func (s *shop) testEverythingDead(t *testing.T) {
	before := map[client.ObjectKey]int32{}
	for _, key := range vital {
		before[key] = s.scale(t, key, 0)
	}
	for _, key := range vital {
		s.awaitReplicas(t, key, 0)
	}
	s.writeEverything(t, "dead")
	if err := s.client.Create(t.Context(), trial([]api.Step{{Weight: 50}, {Weight: 10}}, "UTC"), client.DryRunAll); err == nil {
		t.Error("a strategy whose weights fall was taken")
	}
	if err := s.client.Create(t.Context(), trial(nil, "Mars/Olympus"), client.DryRunAll); err != nil {
		t.Errorf("somebody answers for our webhook: %v", err)
	}
	s.killAll(t)
	s.weir(t, "cluster", "up")
	s.awaitReplicas(t, ours, 0) // our webhook is registered, and dead, all the while
	s.awaitReplicas(t, names, before[names])
	s.awaitUnmeshed(t)
	s.writeEverything(t, "cold")
	s.scale(t, ours, before[ours])
	eventually(t, func() string {
		if err := s.client.Create(t.Context(), trial(nil, "Mars/Olympus"), client.DryRunAll); err == nil {
			return "our webhook does not answer again"
		}
		return s.page()
	})
}

// writeEverything creates, changes and deletes an object of each kind, in each namespace whose pods are nobody's business.
func (s *shop) writeEverything(t *testing.T, name string) {
	t.Helper()
	var all corev1.NamespaceList
	if err := s.client.List(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var spaces []string
	for _, n := range all.Items {
		// Where Istio injects, pods wait for istiod; that is Istio's choice.
		if n.Labels["istio-injection"] != "enabled" && n.Labels["istio.io/rev"] == "" && n.DeletionTimestamp == nil {
			spaces = append(spaces, n.Name)
		}
	}
	begun := time.Now()
	// Istio's own webhook refuses Istio's kinds while istiod is dead; that is its choice, too.
	done, err := harm.Round{Name: name, Namespaces: spaces, Without: "istio.io"}.Walk(t.Context(), s.client)
	if err != nil {
		t.Error(err)
	}
	t.Logf("%s: %d kinds in %s, %.1fs", name, len(done), strings.Join(spaces, ", "), time.Since(begun).Seconds())
	if len(done) < leastKinds {
		t.Errorf("only %d kinds, want %d", len(done), leastKinds)
	}
}

// scale tells how many replicas the Deployment had.
func (s *shop) scale(t *testing.T, key client.ObjectKey, replicas int32) (had int32) {
	t.Helper()
	var d appsv1.Deployment
	if err := s.client.Get(t.Context(), key, &d); err != nil {
		t.Fatal(err)
	}
	patch := client.RawPatch(client.Merge.Type(), fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas))
	had = ptr.Deref(d.Spec.Replicas, 1)
	if err := s.client.Patch(t.Context(), &d, patch); err != nil {
		t.Fatal(err)
	}
	return had
}

func (s *shop) awaitReplicas(t *testing.T, key client.ObjectKey, want int32) {
	t.Helper()
	eventually(t, func() string {
		var d appsv1.Deployment
		if err := s.client.Get(t.Context(), key, &d); err != nil {
			return err.Error()
		}
		if d.Status.Replicas != want || d.Status.ReadyReplicas != want || d.Status.ObservedGeneration != d.Generation {
			return fmt.Sprintf("%s has %d pods, %d ready, want %d", key, d.Status.Replicas, d.Status.ReadyReplicas, want)
		}
		return ""
	})
}

// killAll kills every process of the control plane and of the node.
func (s *shop) killAll(t *testing.T) {
	t.Helper()
	var status cluster.Status
	if err := json.Unmarshal([]byte(s.weir(t, "cluster", "status", "-o", "json")), &status); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, part := range status.Parts {
		if part.PID == 0 || part.Name == "forwarder" {
			continue
		}
		process, err := os.FindProcess(part.PID)
		if err == nil {
			err = process.Kill()
		}
		if err != nil {
			t.Fatalf("kill %s: %v", part.Name, err)
		}
		killed++
	}
	const programs = 7
	if killed != programs {
		t.Errorf("%d programs were killed, want %d", killed, programs)
	}
}

// awaitUnmeshed starts a pod outside of the mesh, and waits until it answers.
func (s *shop) awaitUnmeshed(t *testing.T) {
	t.Helper()
	var apps api.ApplicationList
	if err := s.client.List(t.Context(), &apps, client.InNamespace(namespace)); err != nil || len(apps.Items) == 0 {
		t.Fatalf("no application: %v", err)
	}
	i := slices.IndexFunc(apps.Items[0].Spec.Components, func(c api.Component) bool { return c.Name == "ratings" })
	if i < 0 {
		t.Fatal("no component ratings")
	}
	c := apps.Items[0].Spec.Components[i]
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "unmeshed"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: c.Name, Image: c.Image, Command: c.Command, Args: c.Args, Env: c.Env,
			ReadinessProbe: &corev1.Probe{
				ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(c.Ports[0].Port)}}, PeriodSeconds: 1,
			},
		}}},
	}
	if err := s.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err.Error()
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return ""
			}
		}
		return fmt.Sprintf("a pod outside of the mesh does not start: %+v", pod.Status)
	})
	if n := len(pod.Spec.Containers) + len(pod.Spec.InitContainers); n != 1 {
		t.Errorf("it has %d containers, want its own", n)
	}
	if err := s.client.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Error(err)
	}
}

// page is empty when the application answers through the gateway.
func (s *shop) page() string {
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Get(s.info.GatewayURL + "/productpage")
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "the page answers " + answer.Status
	}
	return ""
}

// trial is a strategy. Its weights are looked at by the schema, its zone by the webhook alone.
func trial(steps []api.Step, zone string) *api.Strategy {
	return &api.Strategy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "trial"},
		Spec:       api.StrategySpec{Steps: steps, Windows: []api.Window{{Zone: zone}}},
	}
}
