// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/kube"
)

// target says which cluster and namespace a command speaks to.
type target struct {
	kubeconfig, context, namespace string
}

func (t *target) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&t.kubeconfig, "kubeconfig", "", "kubeconfig file (default: $KUBECONFIG, else ~/.kube/config)")
	flags.StringVar(&t.context, "context", "", "context of the kubeconfig (default: its current one)")
	flags.StringVarP(&t.namespace, "namespace", "n", "", "namespace (default: that of the context)")
}

func (t *target) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = t.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: t.context})
}

// config says how to reach the cluster.
func (t *target) config() (*rest.Config, error) {
	config, err := t.loader().ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w; name a kubeconfig with --kubeconfig, or run weir cluster up", err)
	}
	return config, nil
}

// connect returns a client and the namespace to use.
func (t *target) connect() (client.WithWatch, string, error) {
	config, err := t.config()
	if err != nil {
		return nil, "", err
	}
	namespace := t.namespace
	if namespace == "" {
		if namespace, _, err = t.loader().Namespace(); err != nil {
			return nil, "", fmt.Errorf("find the namespace: %w; name it with --namespace", err)
		}
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		return nil, "", fmt.Errorf("reach the cluster: %w", err)
	}
	return c, namespace, nil
}
