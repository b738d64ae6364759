// SPDX-License-Identifier: Apache-2.0

// Package node says how containerd, the kubelet and kube-proxy are run so that everything they make stays inside the
// cluster's state folder, namespaces and cgroup.
package node

import (
	"fmt"
	"os"
	"path/filepath"

	"weir.dev/weir/cluster/controlplane"
	"weir.dev/weir/cluster/network"
	"weir.dev/weir/cluster/process"
)

// Node is the only node of one cluster.
type Node struct {
	// Binary returns the path of an executable by name.
	Binary func(name string) string
	// Credential holds the certificates.
	Credential controlplane.Credential
	// Dir is the folder of everything the node writes, RunDir that of the log and pid files.
	Dir, RunDir string
	// Place is where the processes run, Cgroup the cgroup below which pods are made.
	Place  process.Place
	Cgroup string
	// PauseImage is the name of the image of a pod's sandbox.
	PauseImage string
}

// Socket is where containerd listens.
func (n Node) Socket() string { return filepath.Join(n.Dir, "containerd.sock") }

// ContainerdRoot is the folder of images and snapshots.
func (n Node) ContainerdRoot() string { return n.path("containerd") }

func (n Node) path(name string) string { return filepath.Join(n.Dir, name) }

// Private lists the host's folders that the node has a version of its own of: the programs write to these by fixed
// names.
func (n Node) Private() map[string]string {
	return map[string]string{
		"/run":             "",
		"/var/log":         "",
		"/var/lib/kubelet": n.path("kubelet-fixed"),
		"/var/lib/cni":     n.path("cni-fixed"),
	}
}

// WriteConfig writes the configuration files of the node's programs.
func (n Node) WriteConfig() error {
	files := map[string]string{
		"containerd.toml":      n.containerdConfig(),
		"kubelet.yaml":         n.kubeletConfig(),
		"kube-proxy.yaml":      n.proxyConfig(),
		"cni/10-weir.conflist": cniConfig,
		// Names outside the cluster can't be reached, so nothing is asked for them.
		"resolv.conf": "nameserver " + network.NodeIP + "\n",
	}
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(n.path(name)), 0o755); err != nil {
			return err
		}
		// A running kube-proxy ends when its file is written, even if nothing in it changes.
		if before, err := os.ReadFile(n.path(name)); err == nil && string(before) == content {
			continue
		}
		if err := os.WriteFile(n.path(name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// path of runc, iptables, mount and the like, which are Debian's.
const systemPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (n Node) spec(name string, env []string, args ...string) process.Spec {
	return process.Spec{Name: name, Path: n.Binary(name), Args: args, Env: env, Dir: n.RunDir, Place: n.Place}
}

// Containerd runs the containers.
func (n Node) Containerd() process.Spec {
	shims := filepath.Dir(n.Binary("containerd-shim-runc-v2"))
	return n.spec("containerd", []string{systemPath + ":" + shims, "GOGC=50"}, "--config="+n.path("containerd.toml"))
}

// Kubelet needs containerd to listen.
func (n Node) Kubelet() process.Spec {
	return n.spec("kubelet", []string{systemPath, "GOGC=50"},
		"--config="+n.path("kubelet.yaml"),
		"--root-dir="+n.path("kubelet"),
		"--kubeconfig="+n.Credential.File("kubelet.kubeconfig"),
		"--hostname-override="+controlplane.NodeName,
		"--node-ip="+network.NodeIP,
	)
}

// Proxy makes services reachable.
func (n Node) Proxy() process.Spec {
	return n.spec("kube-proxy", []string{systemPath, "GOGC=50"}, "--config="+n.path("kube-proxy.yaml"))
}

var cniConfig = fmt.Sprintf(`{
  "cniVersion": "1.0.0",
  "name": "weir",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "weir0",
      "isGateway": true,
      "ipMasq": false,
      "hairpinMode": true,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}
    }
  ]
}
`, network.PodCIDR)
