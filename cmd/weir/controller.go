// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"weir.dev/weir/internal/controller"
	"weir.dev/weir/internal/telemetry/prometheus"
	"weir.dev/weir/internal/telemetry/proof"
	"weir.dev/weir/internal/telemetry/xds"
	"weir.dev/weir/internal/webhook"
)

// controllerAccount is the service account of the chart; its writes are not asked about.
const controllerAccount = "weir-controller"

// controllerFlags are the settings of the controller process.
type controllerFlags struct {
	options              controller.Options
	webhook              webhook.Options
	prometheusURL        string
	istioNamespace       string
	istiodServiceAccount string
	gatewaySelector      string
	logLevel             string
}

func newControllerCommand() *cobra.Command {
	var flags controllerFlags
	cmd := &cobra.Command{
		Use:     "controller",
		Short:   "Run the controller (weir install does this inside the cluster)",
		Example: "  weir controller --prometheus-url http://127.0.0.1:9090",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runController(cmd.Context(), flags)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&flags.options.LeaderElect, "leader-elect", false, "work only while holding the lease, so that several replicas can run")
	f.StringVar(&flags.options.LeaderElectionNamespace, "leader-election-namespace", os.Getenv("POD_NAMESPACE"), "namespace of the lease")
	f.StringVar(&flags.options.MetricsAddress, "metrics-address", ":8080", "address of the metrics endpoint; 0 turns it off")
	f.StringVar(&flags.options.HealthAddress, "health-address", ":8081", "address of /healthz and /readyz; 0 turns it off")
	f.StringVar(&flags.options.ProfileAddress, "profile-address", "0", "address of /debug/pprof, such as 127.0.0.1:8082; 0 turns it off")
	f.StringSliceVar(&flags.options.Namespaces, "namespaces", nil, "namespaces to look after, separated by commas; none means all")
	f.StringVar(&flags.options.Templates, "template-namespace", os.Getenv("POD_NAMESPACE"),
		"namespace of the strategies that every namespace may name")
	f.StringSliceVar(&flags.options.Mesh, "mesh-hosts", nil,
		"services, as namespace/name or namespace/*, that every sidecar with a scope is sent besides those of istiod's namespace")
	f.StringVar(&flags.prometheusURL, "prometheus-url", "http://prometheus.istio-system:9090", "Prometheus that scrapes the mesh")
	f.StringVar(&flags.istioNamespace, "istio-namespace", "istio-system", "namespace of istiod")
	f.StringVar(&flags.istiodServiceAccount, "istiod-service-account", "weir-istiod-reader",
		"service account, in istiod's namespace, by which istiod is asked what the proxies hold")
	f.StringVar(&flags.gatewaySelector, "gateway-selector", "istio=ingressgateway", "labels of the ingress gateway's pods")
	f.IntVar(&flags.webhook.Port, "webhook-port", 9443,
		"port that the API server asks at whether what users write can be carried out; 0 turns it off")
	f.StringVar(&flags.webhook.Namespace, "webhook-namespace", os.Getenv("POD_NAMESPACE"),
		"namespace of the webhooks' Service and certificates; none turns the webhooks off")
	f.StringVar(&flags.webhook.Service, "webhook-service", "weir-webhook", "Service that the API server reaches the webhooks by")
	f.StringVar(&flags.webhook.URL, "webhook-url", "",
		"address that the API server reaches the webhooks by when there is no Service, as https://10.0.0.1:9443")
	f.StringVar(&flags.logLevel, "log-level", "info", "debug, info, warn or error")
	return cmd
}

func runController(ctx context.Context, flags controllerFlags) error {
	if os.Getenv("GOGC") == "" {
		pace()
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(flags.logLevel)); err != nil {
		return fmt.Errorf("--log-level: %w; use debug, info, warn or error", err)
	}
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	config.QPS = -1 // the API server limits those that ask too much
	options, err := flags.controllers(config)
	if err != nil {
		return err
	}
	manager, err := controller.NewManager(ctx, config, options)
	if err != nil {
		return err
	}
	if err := addWebhook(manager, config, flags); err != nil {
		return err
	}
	if err := manager.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := manager.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return manager.Start(ctx)
}

// controllers are the options of the controllers, with what they measure by and how they see what proxies hold.
func (f controllerFlags) controllers(config *rest.Config) (controller.Options, error) {
	options := f.options
	gateway, err := labels.ConvertSelectorToLabelsMap(f.gatewaySelector)
	if err != nil {
		return options, fmt.Errorf("--gateway-selector: %w; write it as istio=ingressgateway", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return options, fmt.Errorf("reach the cluster: %w", err)
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return options, fmt.Errorf("reach the cluster: %w", err)
	}
	measurer, err := prometheus.New(f.prometheusURL, nil)
	if err != nil {
		return options, fmt.Errorf("--prometheus-url: %w", err)
	}
	options.Gateway = gateway
	options.Mesh = append(options.Mesh, f.istioNamespace+"/*")
	options.Measurer = measurer
	options.Prover = proof.NewFallback(xds.New(
		xds.NewEndpoints(client, f.istioNamespace),
		xds.NewTokenSource(client, f.istioNamespace, f.istiodServiceAccount),
		xds.NewPods(client, metadataClient),
	), proof.NewShares(measurer.Callers))
	return options, nil
}

func addWebhook(manager ctrl.Manager, config *rest.Config, flags controllerFlags) error {
	options := flags.webhook
	if options.Port == 0 || options.Namespace == "" {
		return nil
	}
	options.ServiceAccount, options.Templates = controllerAccount, flags.options.Templates
	options.Exempt = []string{flags.istioNamespace}
	if err := webhook.Add(manager, config, options); err != nil {
		return fmt.Errorf("set up the webhooks: %w", err)
	}
	return nil
}
