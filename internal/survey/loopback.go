// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream" //nolint:staticcheck // client-go still speaks it
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"weir.dev/weir/internal/check"
	"weir.dev/weir/internal/kube"
)

const (
	// refusal of a connection inside the node comes at once; this is ample.
	refusal = 2 * time.Second
	// atOnce is how many pods are asked at one time.
	atOnce = 8
)

// loopback asks at 127.0.0.1 of pods what their readiness probes ask in vain at their addresses, through a port-forward,
// which needs nothing in the container. A pod that becomes ready meanwhile was just starting.
func (s *surveyor) loopback(ctx context.Context, n *check.Namespace) {
	var lock sync.Mutex
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, d := range check.Doubts(*n) {
		group.Go(func() error {
			there, err := s.answersInside(ctx, n.Name, d)
			stays := err == nil && there && s.staysUnready(ctx, n.Name, d)
			lock.Lock()
			defer lock.Unlock()
			if apierrors.IsForbidden(err) {
				s.out.Hidden = append(s.out.Hidden, "ports inside of pods (pods/portforward)")
			}
			if stays {
				n.Loopback = append(n.Loopback, d)
			}
			return nil
		})
	}
	_ = group.Wait() // a pod that cannot be asked is only not told of
}

// answersInside tells whether the probe passes at 127.0.0.1 of the pod.
func (s *surveyor) answersInside(ctx context.Context, namespace string, d check.Doubt) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := s.forward(namespace, d.Pod)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(int(d.Port)))
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	faults, err := conn.CreateStream(headers)
	if err != nil {
		return false, fmt.Errorf("ask inside pod %s: %w", d.Pod, err)
	}
	_ = faults.Close() // nothing is sent there
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := conn.CreateStream(headers)
	if err != nil {
		return false, fmt.Errorf("ask inside pod %s: %w", d.Pod, err)
	}
	refused := make(chan bool, 1)
	go func() {
		text, err := io.ReadAll(faults)
		refused <- err == nil && len(text) > 0
	}()
	if d.Probe.HTTPGet != nil {
		return passes(ctx, data, d)
	}
	select {
	case no := <-refused:
		return !no, nil
	case <-time.After(refusal):
		return true, nil // it is held open
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// forward opens a connection into the pod's network, as kubectl port-forward does.
func (s *surveyor) forward(namespace, pod string) (httpstream.Connection, error) {
	where := s.kube.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	config := rest.CopyConfig(s.config)
	config.Timeout = patience
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach pod %s: %w", pod, err)
	}
	socket, err := portforward.NewSPDYOverWebsocketDialer(where, config)
	if err != nil {
		return nil, fmt.Errorf("reach pod %s: %w", pod, err)
	}
	older := spdy.NewDialer(upgrader, &http.Client{Transport: transport, Timeout: patience}, http.MethodPost, where)
	dialer := portforward.NewFallbackDialer(socket, older, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	conn, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	return conn, err
}

// passes carries out an HTTP probe, as the kubelet does.
func passes(ctx context.Context, stream httpstream.Stream, d check.Doubt) (bool, error) {
	get := d.Probe.HTTPGet
	host := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(d.Port)))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/"+strings.TrimPrefix(get.Path, "/"), nil)
	if err != nil {
		return false, err
	}
	request.Close = true
	for _, h := range get.HTTPHeaders {
		request.Header.Add(h.Name, h.Value)
		if http.CanonicalHeaderKey(h.Name) == "Host" {
			request.Host = h.Value
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	if err := request.Write(stream); err != nil {
		return false, err
	}
	response, err := http.ReadResponse(bufio.NewReader(stream), request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	return response.StatusCode >= http.StatusOK && response.StatusCode < http.StatusBadRequest, nil
}

// staysUnready tells whether the pod is not ready after its probe had time to pass.
func (s *surveyor) staysUnready(ctx context.Context, namespace string, d check.Doubt) bool {
	period, timeout := cmp.Or(d.Probe.PeriodSeconds, 10), cmp.Or(d.Probe.TimeoutSeconds, 1)
	deadline := time.After(time.Duration(period+timeout+1) * time.Second)
	for {
		pod, err := s.kube.CoreV1().Pods(namespace).Get(ctx, d.Pod, metav1.GetOptions{})
		if err != nil || kube.PodReady(pod, false) || pod.DeletionTimestamp != nil {
			return false
		}
		select {
		case <-deadline:
			return true
		case <-ctx.Done():
			return false
		case <-time.After(time.Second):
		}
	}
}
