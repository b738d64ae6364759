// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"weir.dev/weir/internal/mesh"
)

const (
	// audience that istiod expects in tokens.
	audience = "istio-ca"
	// port of istiod's monitoring and debug interface.
	port = 15014
	// lifetime that is asked for a token, and how long before its end a new one is fetched.
	lifetime = time.Hour
	margin   = 5 * time.Minute
	// listed is how long a list of istiod's pods is used.
	listed = time.Second
	// injected is the annotation that Istio's injector leaves on the pods that it gave a proxy.
	injected = "sidecar.istio.io/status"
	// page is how many pods are listed at a time.
	page = 500
)

// NewTokenSource returns tokens of the service account that istiod accepts, each used until 5 minutes before it expires.
// The namespace is istiod's own, or one of DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES.
func NewTokenSource(client kubernetes.Interface, namespace, serviceAccount string) func(context.Context) (string, error) {
	var mu sync.Mutex
	var token string
	var until time.Time
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if time.Now().Before(until) {
			return token, nil
		}
		seconds := int64(lifetime.Seconds())
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
			Audiences: []string{audience}, ExpirationSeconds: &seconds,
		}}
		answer, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount, request, metav1.CreateOptions{})
		if err != nil {
			return "", fmt.Errorf("service account %s/%s: %w", namespace, serviceAccount, err)
		}
		token, until = answer.Status.Token, answer.Status.ExpirationTimestamp.Add(-margin)
		return token, nil
	}
}

// NewEndpoints returns the base URLs of istiod's running pods in the namespace, which are listed at most once a second.
// Pods that are not ready count as well: proxies may still be connected to them.
func NewEndpoints(client kubernetes.Interface, namespace string) func(context.Context) ([]string, error) {
	var mu sync.Mutex
	var urls []string
	var until time.Time
	return func(ctx context.Context) ([]string, error) {
		mu.Lock()
		defer mu.Unlock()
		if time.Now().Before(until) {
			return urls, nil
		}
		pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=istiod"})
		if err != nil {
			return nil, fmt.Errorf("list istiod in namespace %s: %w", namespace, err)
		}
		urls = nil
		for _, pod := range pods.Items {
			if pod.Status.Phase == corev1.PodRunning && pod.Status.PodIP != "" {
				urls = append(urls, "http://"+net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(port)))
			}
		}
		until = time.Now().Add(listed)
		return urls, nil
	}
}

// kubernetesPods asks the API server.
type kubernetesPods struct {
	client   kubernetes.Interface
	metadata metadata.Interface
}

// NewPods tells of pods with Istio's proxy in all namespaces. It needs to get and list pods.
func NewPods(client kubernetes.Interface, metadata metadata.Interface) Pods {
	return kubernetesPods{client, metadata}
}

// Running lists the metadata of running pods alone, page by page.
func (k kubernetesPods) Running(ctx context.Context) ([]string, error) {
	var ids []string
	options := metav1.ListOptions{FieldSelector: "status.phase=Running", Limit: page}
	for {
		pods, err := k.metadata.Resource(corev1.SchemeGroupVersion.WithResource("pods")).List(ctx, options)
		if err != nil {
			return nil, err
		}
		for _, pod := range pods.Items {
			if _, ok := pod.Annotations[injected]; ok {
				ids = append(ids, pod.Name+"."+pod.Namespace)
			}
		}
		if options.Continue = pods.Continue; options.Continue == "" {
			return ids, nil
		}
	}
}

// Runs is false when there is no such pod, or its proxy is not running: one that starts anew knows nothing of old.
func (k kubernetesPods) Runs(ctx context.Context, namespace, name string) (bool, error) {
	pod, err := k.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, c := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses) {
		if c.Name == mesh.ProxyContainer && c.State.Running != nil {
			return true, nil
		}
	}
	return false, nil
}
