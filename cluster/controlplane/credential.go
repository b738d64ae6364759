// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"weir.dev/weir/cluster/network"
)

// NodeName is the name of the only node.
const NodeName = "node"

// Inside is the API server's address as the node's own processes see it.
const Inside = "https://127.0.0.1:6443"

// Credential is the folder of the cluster's certificates, keys and kubeconfig files.
type Credential struct{ Dir string }

// File returns the path of one of them: ca.crt, kubelet.key, scheduler.kubeconfig and so on.
func (c Credential) File(name string) string { return filepath.Join(c.Dir, name) }

// Issue makes what is missing. It may be repeated.
func (c Credential) Issue() error {
	ca, err := openAuthority(c.Dir)
	if err != nil {
		return err
	}
	identities := map[string]identity{
		"apiserver": {name: "kube-apiserver", hosts: []string{
			"127.0.0.1", network.NodeIP, network.APIServiceIP, "localhost", "kubernetes", "kubernetes.default",
			"kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		}},
		"apiserver-kubelet":       {name: "kube-apiserver-kubelet-client", group: "system:masters"},
		"admin":                   {name: "weir-admin", group: "system:masters"},
		"kube-controller-manager": {name: "system:kube-controller-manager", group: "system:masters"},
		"kube-scheduler":          {name: "system:kube-scheduler"},
		"kube-proxy":              {name: "system:kube-proxy"},
		"kubelet": {
			name: "system:node:" + NodeName, group: "system:nodes", hosts: []string{NodeName, network.NodeIP, "127.0.0.1"},
		},
	}
	for name, id := range identities {
		if err := ca.issue(name, id); err != nil {
			return err
		}
	}
	if err := ca.issueKey("service-account"); err != nil {
		return err
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"} {
		if err := c.WriteKubeconfig(c.File(name+".kubeconfig"), name, Inside); err != nil {
			return err
		}
	}
	return nil
}

// WriteKubeconfig writes a kubeconfig with the certificate of that name, for an API server at url.
func (c Credential) WriteKubeconfig(path, name, url string) error {
	content := map[string][]byte{}
	for _, file := range []string{"ca.crt", name + ".crt", name + ".key"} {
		var err error
		if content[file], err = os.ReadFile(c.File(file)); err != nil {
			return err
		}
	}
	config := api.NewConfig()
	config.Clusters["weir"] = &api.Cluster{Server: url, CertificateAuthorityData: content["ca.crt"]}
	config.AuthInfos[name] = &api.AuthInfo{
		ClientCertificateData: content[name+".crt"], ClientKeyData: content[name+".key"],
	}
	config.Contexts["weir"] = &api.Context{Cluster: "weir", AuthInfo: name}
	config.CurrentContext = "weir"
	return clientcmd.WriteToFile(*config, path)
}
