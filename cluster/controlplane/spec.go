// SPDX-License-Identifier: Apache-2.0

// Package controlplane says how etcd and the three servers of the Kubernetes control plane are run, and makes their
// certificates.
package controlplane

import (
	"path/filepath"

	"weir.dev/weir/cluster/network"
	"weir.dev/weir/cluster/process"
)

// Plane is the control plane of one cluster.
type Plane struct {
	// Binary returns the path of an executable by name.
	Binary func(name string) string
	// Credential holds the certificates; Issue must have been called.
	Credential Credential
	// DataDir keeps etcd's database, RunDir the log and pid files.
	DataDir, RunDir string
	// Place is where the processes run.
	Place process.Place
}

// A control plane for one node makes little garbage: collecting it early costs a little time and saves much memory.
// Only the API server allocates so much while it starts that it would be late.
const (
	thrifty = "GOGC=50"
	hasty   = "GOGC=100"
)

func (p Plane) spec(name, collector string, args ...string) process.Spec {
	return process.Spec{
		Name: name, Path: p.Binary(name), Args: args, Env: []string{collector}, Dir: p.RunDir, Place: p.Place,
	}
}

// Etcd keeps the objects. It does not wait for the disk: after a power cut the cluster is made anew.
func (p Plane) Etcd() process.Spec {
	return p.spec("etcd", thrifty,
		"--name=weir",
		"--data-dir="+filepath.Join(p.DataDir, "etcd"),
		"--listen-client-urls=http://127.0.0.1:2379",
		"--advertise-client-urls=http://127.0.0.1:2379",
		"--listen-peer-urls=http://127.0.0.1:2380",
		"--initial-advertise-peer-urls=http://127.0.0.1:2380",
		"--initial-cluster=weir=http://127.0.0.1:2380",
		"--unsafe-no-fsync",
		"--snapshot-count=10000",
		"--auto-compaction-retention=10m",
		"--quota-backend-bytes=2147483648",
		"--log-level=warn",
		"--logger=zap",
	)
}

// APIServer needs etcd to listen.
func (p Plane) APIServer() process.Spec {
	file := p.Credential.File
	return p.spec("kube-apiserver", hasty,
		"--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=0.0.0.0",
		"--secure-port=6443",
		"--advertise-address="+network.NodeIP,
		"--service-cluster-ip-range="+network.ServiceCIDR,
		"--cert-dir="+p.DataDir,
		"--tls-cert-file="+file("apiserver.crt"),
		"--tls-private-key-file="+file("apiserver.key"),
		"--client-ca-file="+file("ca.crt"),
		"--kubelet-client-certificate="+file("apiserver-kubelet.crt"),
		"--kubelet-client-key="+file("apiserver-kubelet.key"),
		"--kubelet-certificate-authority="+file("ca.crt"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-signing-key-file="+file("service-account.key"),
		"--service-account-key-file="+file("service-account.pub"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--profiling=false",
		"--lease-reuse-duration-seconds=600",
	)
}

// ControllerManager needs the API server to be ready: its own permissions are made at that moment.
func (p Plane) ControllerManager() process.Spec {
	file := p.Credential.File
	return p.spec("kube-controller-manager", thrifty,
		"--kubeconfig="+file("kube-controller-manager.kubeconfig"),
		"--authentication-kubeconfig="+file("kube-controller-manager.kubeconfig"),
		"--authorization-kubeconfig="+file("kube-controller-manager.kubeconfig"),
		"--bind-address=127.0.0.1",
		"--cert-dir="+p.DataDir,
		"--cloud-provider=",
		"--cluster-signing-cert-file="+file("ca.crt"),
		"--cluster-signing-key-file="+file("ca.key"),
		// Its default lies outside of the cluster's own folder, and it makes it.
		"--flex-volume-plugin-dir="+filepath.Join(p.DataDir, "volume-plugins"),
		"--root-ca-file="+file("ca.crt"),
		"--service-account-private-key-file="+file("service-account.key"),
		"--use-service-account-credentials=false",
		"--leader-elect=false",
		"--kube-api-qps=200",
		"--kube-api-burst=300",
		"--profiling=false",
	)
}

// Scheduler needs the API server to be ready.
func (p Plane) Scheduler() process.Spec {
	file := p.Credential.File
	return p.spec("kube-scheduler", thrifty,
		"--kubeconfig="+file("kube-scheduler.kubeconfig"),
		"--authentication-kubeconfig="+file("kube-scheduler.kubeconfig"),
		"--authorization-kubeconfig="+file("kube-scheduler.kubeconfig"),
		"--bind-address=127.0.0.1",
		"--cert-dir="+p.DataDir,
		"--leader-elect=false",
		"--kube-api-qps=200",
		"--kube-api-burst=300",
		"--profiling=false",
	)
}
