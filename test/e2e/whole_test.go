// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/injection"
)

// pods are those of a component that are not ending.
func (s *shop) pods(t *testing.T, namespace, component string) []corev1.Pod {
	t.Helper()
	var list corev1.PodList
	if err := s.client.List(t.Context(), &list, client.InNamespace(namespace), client.MatchingLabels{api.LabelComponent: component}); err != nil {
		t.Fatal(err)
	}
	var out []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			out = append(out, p)
		}
	}
	return out
}

// get asks a Service of the cluster from its node.
func (s *shop) get(t *testing.T, namespace, service, port, path string) (answer, error) {
	t.Helper()
	var found corev1.Service
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: service}, &found); err != nil {
		return answer{}, err
	}
	b := browser{dial: s.inside(t), to: found.Spec.ClusterIP}
	return b.ask(t.Context(), false, http.MethodGet, "http://"+net.JoinHostPort(service, port)+path, http.Header{}, nil)
}

// says waits until a Service answers with the text.
func (s *shop) says(t *testing.T, namespace, service, port, path, want string) {
	t.Helper()
	eventually(t, func() string {
		got, err := s.get(t, namespace, service, port, path)
		if err != nil || got.status != http.StatusOK || !strings.Contains(got.body, want) {
			return fmt.Sprintf("%s%s: %+v, %v; want %q", service, path, got, err, want)
		}
		return ""
	})
}

// testWhole runs an application with all that a component can have.
func (s *shop) testWhole(t *testing.T) {
	t.Cleanup(func() { _ = os.RemoveAll("/tmp/weir-e2e-whole") })
	s.applyFile(t, "whole.yaml")
	t.Cleanup(func() { s.remove(t, "whole") })
	s.ready(t, "whole", "whole")
	t.Run("what stands in Secrets, ConfigMaps and init containers is there", func(t *testing.T) {
		s.says(t, "whole", "front", "80", "/", "name=swordfish\nversion=from-settings")
		s.says(t, "whole", "front", "80", "/file?path=/srv/pages/index.html", "hello from a file")
		s.says(t, "whole", "front", "80", "/file?path=/scratch/prepared", "by init")
		s.says(t, "whole", "front", "80", "/file?path=/etc/hosts", "legacy.example")
		s.says(t, "whole", "front", "80", "/call?url="+url.QueryEscape("http://database:8080/"), "version=")
		s.says(t, "whole", "front", "80", "/call?url="+url.QueryEscape("http://legacy:8080/"), "name=legacy")
	})
	t.Run("pods are as said", s.testPods)
	t.Run("a volume outlives its pod", s.testVolume)
	t.Run("jobs end, outside the mesh", s.testJobs)
}

func (s *shop) testPods(t *testing.T) {
	front := s.pods(t, "whole", "front")
	if len(front) != 2 {
		t.Errorf("%d pods of front, want the 2 that autoscale begins with", len(front))
	}
	for _, p := range front {
		if *p.Spec.TerminationGracePeriodSeconds != 7 || p.Labels["team"] != "search" || p.Annotations["example.com/owner"] != "search" ||
			len(p.Spec.ImagePullSecrets) == 0 || !injection.HasSidecar(&p) {
			t.Errorf("%s: grace %d, labels %v, pull secrets %v, sidecar %v", p.Name, *p.Spec.TerminationGracePeriodSeconds, p.Labels, p.Spec.ImagePullSecrets, injection.HasSidecar(&p))
		}
	}
	for _, p := range s.pods(t, "whole", "legacy") {
		if injection.HasSidecar(&p) {
			t.Errorf("%s has a sidecar", p.Name)
		}
	}
	var scalers autoscalingv2.HorizontalPodAutoscalerList
	if err := s.client.List(t.Context(), &scalers, client.InNamespace("whole")); err != nil || len(scalers.Items) != 1 || scalers.Items[0].Spec.MaxReplicas != 4 {
		t.Errorf("autoscalers %+v, %v; want one of at most 4", scalers.Items, err)
	}
}

// testVolume lets the database's pod go: its next one goes on with the same diary, under the same name.
func (s *shop) testVolume(t *testing.T) {
	before := s.pods(t, "whole", "database")
	if len(before) != 1 || before[0].Name != "database-0" {
		t.Fatalf("pods of the database: %v", before)
	}
	if err := s.client.Delete(t.Context(), &before[0], client.GracePeriodSeconds(1)); err != nil {
		t.Fatal(err)
	}
	s.says(t, "whole", "database", "8080", "/file?path=/data/diary", "started\nstarted\n")
}

// testJobs does not wait for the night: it starts the CronJob as kubectl create job --from does.
func (s *shop) testJobs(t *testing.T) {
	var crons batchv1.CronJobList
	if err := s.client.List(t.Context(), &crons, client.InNamespace("whole")); err != nil || len(crons.Items) != 1 {
		t.Fatalf("%d CronJobs, %v; want one", len(crons.Items), err)
	}
	template := crons.Items[0].Spec.JobTemplate
	now := &batchv1.Job{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	now.Namespace, now.Name = "whole", "report-now"
	if err := s.client.Create(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		var jobs batchv1.JobList
		if err := s.client.List(t.Context(), &jobs, client.InNamespace("whole")); err != nil {
			return err.Error()
		}
		done := map[string]bool{}
		for _, j := range jobs.Items {
			if j.Status.Succeeded > 0 {
				done[j.Spec.Template.Labels[api.LabelComponent]] = true
			}
		}
		for _, component := range []string{"migrate", "report"} {
			if !done[component] {
				return fmt.Sprintf("%s has not ended well: %v of %d jobs have", component, done, len(jobs.Items))
			}
			for _, p := range s.pods(t, "whole", component) {
				if injection.HasSidecar(&p) {
					return p.Name + " has a sidecar"
				}
			}
		}
		return ""
	})
}
