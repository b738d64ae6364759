// SPDX-License-Identifier: Apache-2.0

//go:build hitless

package hitless

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/mesh"
	"weir.dev/weir/internal/telemetry/xds"
)

// changes is how many weights are asked about.
const changes = 20

// TestAskingIsHarmless changes weights and asks istiod at once, and all the time, what the proxies hold. istiod can take
// what it makes for such an answer for the newest there is, and send the old weights; see package xds. Without a remedy
// a change soon never arrives.
func TestAskingIsHarmless(t *testing.T) {
	s := newShop(t)
	prover := s.prover()
	s.target(0)
	for change := range int32(changes) {
		s.target(change)
		route := targetRoute(change)
		var proof mesh.Proof
		err := wait.PollUntilContextTimeout(s.ctx, 5*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			prover.Forget(route.Host) // so that it asks for everything anew
			var err error
			proof, err = prover.Prove(ctx, route)
			return proof.Served && proof.Proxies > 0, err
		})
		if err != nil {
			t.Fatalf("change %d: %v: %+v", change, err, proof)
		}
	}
}

const targetHost = "target." + namespace + ".svc.cluster.local"

// target writes a service of two versions, and the weights of the change.
func (s *shop) target(change int32) {
	s.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "target"}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 8080}}}}
	rule := &istionet.DestinationRule{ObjectMeta: meta, Spec: networking.DestinationRule{Host: targetHost, Subsets: []*networking.Subset{
		{Name: "v1", Labels: map[string]string{"version": "v1"}}, {Name: "v2", Labels: map[string]string{"version": "v2"}},
	}}}
	route := targetRoute(change)
	http := &networking.HTTPRoute{Name: route.Name}
	for _, version := range []string{"v1", "v2"} {
		http.Route = append(http.Route, &networking.HTTPRouteDestination{
			Destination: &networking.Destination{Host: targetHost, Subset: version}, Weight: route.Weights[version],
		})
	}
	virtual := &istionet.VirtualService{ObjectMeta: meta}
	err := s.client.Get(s.ctx, client.ObjectKeyFromObject(virtual), virtual)
	virtual.Spec = networking.VirtualService{Hosts: []string{targetHost}, Http: []*networking.HTTPRoute{http}}
	if err == nil {
		err = s.client.Update(s.ctx, virtual)
	} else {
		for _, object := range []client.Object{service, rule, virtual} {
			if err = s.client.Create(s.ctx, object); err != nil {
				break
			}
		}
	}
	if err != nil {
		s.Fatal(err)
	}
}

func targetRoute(change int32) mesh.Route {
	return mesh.Route{
		Host: targetHost, Namespace: namespace, Name: fmt.Sprintf("change-%d", change), Ports: []int32{8080},
		Weights: map[string]int32{"v1": 99 - change, "v2": change + 1},
	}
}

// prover asks the cluster's istiod.
func (s *shop) prover() *xds.Prover {
	s.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.info.Kubeconfig)
	if err != nil {
		s.Fatal(err)
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		s.Fatal(err)
	}
	names, err := metadata.NewForConfig(config)
	if err != nil {
		s.Fatal(err)
	}
	url := s.forward(kube, 15014)
	token := xds.NewTokenSource(kube, "istio-system", "weir-istiod-reader")
	return xds.New(func(context.Context) ([]string, error) { return []string{url}, nil }, token, xds.NewPods(kube, names))
}

// forward makes a port of istiod's pod reachable until the test ends.
func (s *shop) forward(kube kubernetes.Interface, port int) (url string) {
	s.Helper()
	pods, err := kube.CoreV1().Pods("istio-system").List(s.ctx, metav1.ListOptions{LabelSelector: "app=istiod"})
	if err != nil || len(pods.Items) != 1 {
		s.Fatalf("%v: %d istiods", err, len(pods.Items))
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.info.Kubeconfig)
	if err != nil {
		s.Fatal(err)
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		s.Fatal(err)
	}
	at := kube.CoreV1().RESTClient().Post().Resource("pods").Namespace("istio-system").Name(pods.Items[0].Name).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, at)
	ready, failed := make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.New(dialer, []string{fmt.Sprintf("0:%d", port)}, s.ctx.Done(), ready, io.Discard, io.Discard)
	if err != nil {
		s.Fatal(err)
	}
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		s.Fatal(err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		s.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local)
}
