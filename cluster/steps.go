// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"time"

	"weir.dev/weir/cluster/controlplane"
	"weir.dev/weir/cluster/dns"
	"weir.dev/weir/cluster/manifest"
	"weir.dev/weir/cluster/mesh"
	"weir.dev/weir/cluster/monitoring"
	"weir.dev/weir/cluster/network"
	"weir.dev/weir/cluster/node"
	"weir.dev/weir/cluster/part"
	"weir.dev/weir/cluster/process"
	"weir.dev/weir/cluster/step"
)

type run = func(context.Context, func(string)) error

// steps is the whole way from nothing to a mesh.
func (b *builder) steps() []step.Step {
	do := func(name string, run run, needs ...string) step.Step {
		return step.Step{Name: name, Needs: needs, Run: run}
	}
	return []step.Step{
		do("this machine", b.checkMachine),
		do("parts", b.ensureParts, "this machine"),
		do("namespaces and network", b.createEnclave, "this machine"),
		do("certificates and configuration", b.writeConfiguration, "this machine"),
		do("ports on loopback", b.startForwarder, "namespaces and network"),

		do("etcd", b.startEtcd, "parts", "namespaces and network"),
		do("API server", b.startAPIServer, "etcd", "certificates and configuration", "ports on loopback"),
		do("controller manager", b.startControllerManager, "API server"),
		do("scheduler", b.startScheduler, "API server"),

		do("images", b.prepareImages, "parts", "namespaces and network", "certificates and configuration"),
		do("containerd", b.startContainerd, "images"),
		do("kubelet", b.startKubelet, "containerd", "API server"),
		do("service proxy", b.startProxy, "API server"),
		do("names (CoreDNS)", b.installDNS, "API server"),

		do("Istio's charts", b.renderCharts, "parts"),
		do("mesh namespaces", b.createNamespaces, "API server"),
		do("istiod", b.installIstiod, "mesh namespaces", "Istio's charts"),
		do("Prometheus", b.installPrometheus, "mesh namespaces"),
		// The definitions keep the API server busy for seconds, so what has to start goes first.
		do("Istio's definitions", b.installDefinitions, "istiod", "Prometheus", "names (CoreDNS)"),
		do("metrics filters", b.installFilters, "Istio's definitions"),

		do("node is ready", b.awaitNode, "kubelet"),
		do("istiod is ready", b.awaitIstiod, "istiod", "node is ready", "controller manager", "scheduler", "service proxy"),
		do("ingress gateway", b.installGateway, "istiod is ready", "metrics filters", "names (CoreDNS)"),
		do("Prometheus is ready", b.awaitPrometheus, "Prometheus", "node is ready"),
		do("names are ready", b.awaitDNS, "names (CoreDNS)", "node is ready"),
	}
}

// patience is how long a part may take to become ready. Far more than it needs even on a busy machine.
const patience = 2 * time.Minute

// bring makes sure that a program runs and answers. One that was there before and does not answer is started anew.
func (b *builder) bring(ctx context.Context, spec process.Spec, probe func(context.Context) error) error {
	p, started, err := process.Ensure(ctx, spec)
	if err != nil {
		return err
	}
	if !started {
		const benefit = 10 * time.Second
		short, cancel := context.WithTimeout(ctx, benefit)
		defer cancel()
		if p.Await(short, probe) == nil {
			return nil
		}
		if err := p.Stop(ctx, benefit); err != nil {
			return err
		}
		if p, err = process.Start(spec); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.Await(ctx, probe)
}

func (b *builder) ensureParts(ctx context.Context, note func(string)) error {
	if b.parts.Dir = b.options.PartsDir; b.parts.Dir == "" {
		var err error
		b.parts, err = part.Ensure(ctx, part.Options{
			CacheDir: b.options.CacheDir,
			Progress: func(e part.Event) { note(e.String()) },
		})
		if err != nil {
			return err
		}
	}
	note(b.parts.Dir)
	b.config.Parts = b.parts.Dir
	return b.dir.Save(b.config)
}

func (b *builder) createEnclave(context.Context, func(string)) error {
	if err := b.enclave.Create(b.node().Private()); err != nil {
		return err
	}
	return b.enclave.Inside(network.Configure)
}

func (b *builder) writeConfiguration(context.Context, func(string)) error {
	if err := b.credential().Issue(); err != nil {
		return err
	}
	return b.node().WriteConfig()
}

func (b *builder) startEtcd(ctx context.Context, _ func(string)) error {
	if err := os.MkdirAll(b.dir.Plane(), 0o700); err != nil {
		return err
	}
	return b.bring(ctx, b.plane().Etcd(), b.get("http://127.0.0.1:2379/health"))
}

func (b *builder) startAPIServer(ctx context.Context, _ func(string)) error {
	if err := b.bring(ctx, b.plane().APIServer(), b.get(controlplane.Inside+"/readyz")); err != nil {
		return err
	}
	if err := b.credential().WriteKubeconfig(b.dir.Kubeconfig(), "admin", info(b.dir, b.config).APIAddress); err != nil {
		return err
	}
	var err error
	b.client, err = manifest.Dial(b.dir.Kubeconfig())
	return err
}

func (b *builder) startControllerManager(ctx context.Context, _ func(string)) error {
	return b.bring(ctx, b.plane().ControllerManager(), b.get("https://127.0.0.1:10257/healthz"))
}

func (b *builder) startScheduler(ctx context.Context, _ func(string)) error {
	return b.bring(ctx, b.plane().Scheduler(), b.get("https://127.0.0.1:10259/healthz"))
}

func (b *builder) startContainerd(ctx context.Context, _ func(string)) error {
	return b.bring(ctx, b.node().Containerd(), connect("unix", b.node().Socket()))
}

// prepareImages gives containerd a store in which the parts' images are already.
func (b *builder) prepareImages(ctx context.Context, note func(string)) error {
	store := node.Store{Dir: b.parts.Dir + "-images", Node: b.node()}
	for _, name := range part.Images() {
		store.Archives = append(store.Archives, b.parts.Image(name))
	}
	return store.Furnish(ctx, note)
}

func (b *builder) startKubelet(ctx context.Context, _ func(string)) error {
	return b.bring(ctx, b.node().Kubelet(), b.get("http://127.0.0.1:10248/healthz"))
}

func (b *builder) startProxy(ctx context.Context, _ func(string)) error {
	return b.bring(ctx, b.node().Proxy(), b.get("http://127.0.0.1:10256/healthz"))
}

func (b *builder) apply(ctx context.Context, objects []*manifest.Object, err error) error {
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.client.Apply(ctx, objects)
}

func (b *builder) installDNS(ctx context.Context, _ func(string)) error {
	objects, err := dns.Objects(part.ImageRef("coredns"))
	return b.apply(ctx, objects, err)
}

// renderCharts is done while the API server starts.
func (b *builder) renderCharts(context.Context, func(string)) error {
	image := mesh.Image{Hub: part.Hub, Tag: part.IstioTag()}
	var err error
	if b.charts.definitions, err = mesh.Definitions(b.parts.Chart("base")); err != nil {
		return err
	}
	if b.charts.istiod, err = mesh.System(b.parts.Chart("istiod"), image, b.config.IstiodReplicas); err != nil {
		return err
	}
	b.charts.gateway, err = mesh.Gateway(b.parts.Chart("gateway"))
	return err
}

func (b *builder) createNamespaces(ctx context.Context, _ func(string)) error {
	return b.apply(ctx, mesh.Namespaces(), nil)
}

func (b *builder) installDefinitions(ctx context.Context, _ func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.client.ApplyTogether(ctx, b.charts.definitions)
}

func (b *builder) installIstiod(ctx context.Context, _ func(string)) error {
	return b.apply(ctx, b.charts.istiod, nil)
}

func (b *builder) installFilters(ctx context.Context, _ func(string)) error {
	objects, err := mesh.Filters()
	return b.apply(ctx, objects, err)
}

// installGateway comes after istiod serves the injection webhook, by which the gateway's pods get their image.
func (b *builder) installGateway(ctx context.Context, _ func(string)) error {
	if err := b.apply(ctx, b.charts.gateway, nil); err != nil {
		return err
	}
	return b.await(ctx, mesh.GatewayNamespace, mesh.GatewayName)
}

func (b *builder) installPrometheus(ctx context.Context, _ func(string)) error {
	objects, err := monitoring.Objects(part.ImageRef("prometheus"))
	return b.apply(ctx, objects, err)
}

func (b *builder) awaitNode(ctx context.Context, _ func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := b.client.AwaitNode(ctx, controlplane.NodeName); err != nil {
		return fmt.Errorf("the node does not become ready: %w; see: weir cluster logs kubelet", err)
	}
	return nil
}

func (b *builder) await(ctx context.Context, namespace, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.client.AwaitDeployment(ctx, namespace, name)
}

func (b *builder) awaitIstiod(ctx context.Context, _ func(string)) error {
	if err := b.await(ctx, mesh.SystemNamespace, "istiod"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := b.client.AwaitWebhook(ctx, "istio-sidecar-injector"); err != nil {
		return fmt.Errorf("istiod does not announce its injection webhook: %w; see: weir cluster logs istiod", err)
	}
	return nil
}

func (b *builder) awaitDNS(ctx context.Context, _ func(string)) error {
	return b.await(ctx, dns.Namespace, dns.Name)
}

func (b *builder) awaitPrometheus(ctx context.Context, _ func(string)) error {
	return b.await(ctx, monitoring.Namespace, monitoring.Name)
}
