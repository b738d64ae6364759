// SPDX-License-Identifier: Apache-2.0

// Package webhook lets the API server ask, when a user writes one of Weir's kinds, whether it can be carried out. It never
// decides over anything else, and when it cannot answer, the write goes through.
package webhook

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/webhook/certificate"
)

const (
	// timeout is how long the API server waits for an answer. It is written in whole seconds.
	timeout = 2 * time.Second
	// SecretName is the name of the Secret that holds the certificates.
	SecretName = "weir-webhook-certificate" //nolint:gosec // a name
)

// Options say where the webhooks are and how they are reached.
type Options struct {
	// Namespace of the Secret and the Service.
	Namespace string
	// Service is its name. Default: weir-webhook.
	Service string
	// URL is where the API server reaches the webhooks when there is no Service for them, such as https://10.0.0.1:9443.
	URL string
	// Host and Port are what is listened on. Defaults: all addresses, 9443.
	Host string
	Port int
	// ServiceAccount, of Namespace, is the controller's own, whose writes are not asked about; empty asks about all.
	ServiceAccount string
	// Exempt are namespaces that are not asked about, besides kube-system and Namespace.
	Exempt []string
	// Templates is the namespace of the Strategies that every namespace may name; empty when there is none.
	Templates string
	// Life, Renew and Settle are of certificates; see certificate.Policy.
	Life, Renew, Settle time.Duration
	// Clock tells the time. Default: the machine's.
	Clock clock.PassiveClock
	// Called is told of every question; nil when nobody wants to know.
	Called func(path string)
}

func (o Options) withDefaults() Options {
	o.Service = cmp.Or(o.Service, "weir-webhook")
	o.Port = cmp.Or(o.Port, webhook.DefaultPort)
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// policy is for certificates of the name that the API server calls.
func (o Options) policy() (certificate.Policy, error) {
	name := o.Service + "." + o.Namespace + ".svc"
	if o.URL != "" {
		where, err := url.Parse(o.URL)
		if err != nil || where.Scheme != "https" || where.Hostname() == "" {
			return certificate.Policy{}, fmt.Errorf("webhook URL %q: write it as https://host:port", o.URL)
		}
		name = where.Hostname()
	}
	return certificate.Policy{Names: []string{name}, Life: o.Life, Renew: o.Renew, Settle: o.Settle}, nil
}

// Add lets the manager serve the webhooks, and keep the certificate and the configuration that they are reached by. Every
// replica does both, so that nothing waits for the election of a leader.
func Add(mgr ctrl.Manager, config *rest.Config, o Options) error {
	o = o.withDefaults()
	policy, err := o.policy()
	if err != nil {
		return err
	}
	kept, err := o.cluster(config)
	if err != nil {
		return fmt.Errorf("watch the webhooks' configuration: %w", err)
	}
	if err := mgr.Add(kept); err != nil {
		return err
	}
	k := &keeper{options: o, policy: policy, client: kept.GetClient(), direct: kept.GetAPIReader(), restores: newAllowance()}
	if err := k.setup(mgr, kept.GetCache()); err != nil {
		return err
	}
	server := webhook.NewServer(webhook.Options{Host: o.Host, Port: o.Port, TLSOpts: []func(*tls.Config){func(c *tls.Config) {
		c.MinVersion = tls.VersionTLS12
		c.GetCertificate = k.present
	}}})
	a := answerer{reader: mgr.GetClient(), templates: o.Templates}
	for path, handler := range a.handlers() {
		server.Register(path, o.counted(path, handler))
	}
	if err := mgr.AddReadyzCheck("webhook", server.StartedChecker()); err != nil {
		return err
	}
	return mgr.Add(server)
}

func (o Options) counted(path string, next http.Handler) http.Handler {
	if o.Called == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.Called(path)
		next.ServeHTTP(w, r)
	})
}

// cluster watches the two objects that are kept, and no others.
func (o Options) cluster(config *rest.Config) (cluster.Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // what was damaged is to be back at once
	return cluster.New(config, func(c *cluster.Options) {
		c.Scheme = kube.Scheme()
		c.Cache = cache.Options{ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {Namespaces: map[string]cache.Config{
				o.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", SecretName)},
			}},
			&admissionv1.ValidatingWebhookConfiguration{}: {Field: fields.OneTermEqualSelector("metadata.name", ConfigurationName)},
		}}
	})
}

// errNoCertificate is told to whoever calls before there is one.
var errNoCertificate = errors.New("there is no certificate yet")

func (k *keeper) present(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if now := k.presented.Load(); now != nil {
		return now, nil
	}
	return nil, errNoCertificate
}
