// SPDX-License-Identifier: Apache-2.0

package install

import (
	"errors"
	"fmt"
	"strings"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// target is the cluster that is installed into. It hands Helm its clients, with a discovery cache in memory: one on disk
// would speak of another cluster as soon as two have had the same address.
type target struct {
	namespace string
	timeout   time.Duration
	loader    clientcmd.ClientConfig
	config    *rest.Config
	cached    discovery.CachedDiscoveryInterface

	kube     kubernetes.Interface
	crds     apiextensions.Interface
	anything dynamic.Interface
}

// ErrNoCluster says that no kubeconfig names a cluster.
var ErrNoCluster = errors.New("no cluster is known")

// Address returns the URL of the API server that Install would speak to. The error wraps ErrNoCluster if there is none.
func Address(options Options) (string, error) {
	where, err := dial(options)
	if err != nil {
		return "", err
	}
	return where.config.Host, nil
}

// dial prepares the clients; it does not connect yet.
func dial(options Options) (*target, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = options.Kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: options.Context}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, fmt.Errorf("%w: no kubeconfig at %s; "+
			"name one with --kubeconfig, or get a cluster on this machine with `weir cluster up`",
			ErrNoCluster, strings.Join(rules.GetLoadingPrecedence(), " or "))
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w; name another file with --kubeconfig or another context with --context", err)
	}
	config.QPS, config.Burst = 100, 200
	t := &target{namespace: options.Namespace, timeout: options.Timeout, loader: loader, config: config}
	return t, t.connect()
}

func (t *target) connect() error {
	kube, err := kubernetes.NewForConfig(t.config)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	crds, err := apiextensions.NewForConfig(t.config)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	anything, err := dynamic.NewForConfig(t.config)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	t.kube, t.crds, t.anything = kube, crds, anything
	t.cached = memory.NewMemCacheClient(kube.Discovery())
	return nil
}

// ToRESTConfig implements Helm's getter.
func (t *target) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(t.config), nil }

// ToDiscoveryClient implements Helm's getter.
func (t *target) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return t.cached, nil
}

// ToRESTMapper implements Helm's getter.
func (t *target) ToRESTMapper() (meta.RESTMapper, error) {
	return restmapper.NewDeferredDiscoveryRESTMapper(t.cached), nil
}

// ToRawKubeConfigLoader implements Helm's getter.
func (t *target) ToRawKubeConfigLoader() clientcmd.ClientConfig { return t.loader }
