// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/cluster"
	"weir.dev/weir/internal/kube"
)

// target says which cluster and namespace a command speaks to.
type target struct {
	kubeconfig, context, namespace string
}

const kubeconfigUsage = "kubeconfig file (default: $KUBECONFIG, else ~/.kube/config, else that of the local cluster)"

func (t *target) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&t.kubeconfig, "kubeconfig", "", kubeconfigUsage)
	flags.StringVar(&t.context, "context", "", "context of the kubeconfig (default: its current one)")
	flags.StringVarP(&t.namespace, "namespace", "n", "", "namespace (default: that of the context)")
}

func (t *target) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = t.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: t.context})
}

// config says how to reach the cluster. Where no kubeconfig names one, the local cluster is meant.
func (t *target) config() (*rest.Config, error) {
	config, err := t.loader().ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		info, missing := cluster.Find(usualLocal())
		if missing != nil {
			return nil, errors.New("no kubeconfig names a cluster; " +
				"name one with --kubeconfig, or get a cluster on this machine with weir cluster up")
		}
		t.kubeconfig = info.Kubeconfig
		config, err = t.loader().ClientConfig()
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w; name another file with --kubeconfig or another context with --context", err)
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
