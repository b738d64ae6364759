// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"

	"weir.dev/weir/cluster/network"
)

// cniPlugins is where Debian puts the CNI plugins.
const cniPlugins = "/usr/lib/cni"

// containerdConfig restricts oom_score_adj since a host may lack the capability to lower it, and runc fails then.
func (n Node) containerdConfig() string {
	return fmt.Sprintf(`version = 3
root = %q
state = %q
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs",
  "io.containerd.differ.v1.erofs",
]

[grpc]
address = %q

[plugins."io.containerd.cri.v1.images"]
snapshotter = "overlayfs"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = %q

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
tolerate_missing_hugetlb_controller = true
disable_hugetlb_controller = true
disable_apparmor = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = [%q]
conf_dir = %q
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
`, n.ContainerdRoot(), n.path("containerd-state"), n.Socket(), n.PauseImage, cniPlugins, n.path("cni"))
}

// kubeletConfig never evicts a pod and never removes an image: what was loaded could not be pulled again.
func (n Node) kubeletConfig() string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: %[1]s
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %[2]s}
authorization: {mode: Webhook}
tlsCertFile: %[3]s
tlsPrivateKeyFile: %[4]s
containerRuntimeEndpoint: unix://%[5]s
cgroupDriver: cgroupfs
cgroupRoot: %[6]s
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: [pods]
clusterDNS: [%[7]s]
clusterDomain: cluster.local
resolvConf: %[8]s
podLogsDir: %[9]s
volumePluginDir: %[10]s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
readOnlyPort: 0
maxPods: 250
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 50
kubeAPIQPS: 200
kubeAPIBurst: 300
oomScoreAdj: 0
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {imagefs.available: 0%%, nodefs.available: 0%%, nodefs.inodesFree: 0%%}
`, network.NodeIP, n.Credential.File("ca.crt"), n.Credential.File("kubelet.crt"), n.Credential.File("kubelet.key"),
		n.Socket(), n.Cgroup, network.DNSServiceIP, n.path("resolv.conf"), n.path("pod-logs"), n.path("volume-plugins"))
}

// proxyConfig leaves the connection tracking limits alone, since they are the host's.
func (n Node) proxyConfig() string {
	return fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: %s}
hostnameOverride: node
bindAddress: %s
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
mode: iptables
clusterCIDR: %s
detectLocalMode: ClusterCIDR
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
iptables: {minSyncPeriod: 100ms, syncPeriod: 30s, localhostNodePorts: false}
`, n.Credential.File("kube-proxy.kubeconfig"), network.NodeIP, network.PodCIDR)
}
