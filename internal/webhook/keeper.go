// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"weir.dev/weir/internal/webhook/certificate"
)

const (
	// soonest and latest are between which a failed pass is tried again: what was damaged is to be back within two seconds.
	soonest, latest = 5 * time.Millisecond, time.Second
	// lookAgain bounds how long nobody looks when nothing happens.
	lookAgain = time.Hour
)

// keeper keeps the certificate in its Secret and the configuration of the webhooks as they should be.
type keeper struct {
	options Options
	policy  certificate.Policy
	// client reads from a cache of the two objects, direct past it.
	client client.Client
	direct client.Reader
	// presented is the certificate that is served now, last the set that it is of.
	presented atomic.Pointer[tls.Certificate]
	last      certificate.Set
	restores  *rate.Limiter
}

// newAllowance bounds the fight with somebody who changes the configuration again and again: ten at once, then one a second.
func newAllowance() *rate.Limiter { return rate.NewLimiter(rate.Every(time.Second), 10) }

// only is the request that every event leads to.
var only = reconcile.Request{NamespacedName: types.NamespacedName{Name: ConfigurationName}}

func (k *keeper) setup(mgr ctrl.Manager, watched cache.Cache) error {
	c, err := controller.New("webhook", mgr, controller.Options{
		Reconciler: k, NeedLeaderElection: new(false),
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](soonest, latest),
	})
	if err != nil {
		return err
	}
	// Neither object may be there: then there is no event to begin with.
	begin := source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		queue.Add(only)
		return nil
	})
	for _, from := range []source.Source{
		begin,
		source.Kind(watched, &corev1.Secret{}, handler.TypedEnqueueRequestsFromMapFunc(func(context.Context, *corev1.Secret) []reconcile.Request {
			return []reconcile.Request{only}
		})),
		source.Kind(watched, &admissionv1.ValidatingWebhookConfiguration{}, handler.TypedEnqueueRequestsFromMapFunc(
			func(context.Context, *admissionv1.ValidatingWebhookConfiguration) []reconcile.Request {
				return []reconcile.Request{only}
			})),
	} {
		if err := c.Watch(from); err != nil {
			return err
		}
	}
	return nil
}

// Reconcile looks at both objects once.
func (k *keeper) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	live, err := k.configuration(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	set, look, err := k.certificates(ctx, live)
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return reconcile.Result{RequeueAfter: soonest}, nil // another replica was faster; its word comes by the watch
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	wait, err := k.publish(ctx, live, set)
	if err != nil {
		return reconcile.Result{}, err
	}
	if wait == 0 {
		wait = min(lookAgain, max(soonest, look.Sub(k.options.Clock.Now())))
	}
	return reconcile.Result{RequeueAfter: wait}, nil
}

// configuration is the live one; nil when there is none.
func (k *keeper) configuration(ctx context.Context) (*admissionv1.ValidatingWebhookConfiguration, error) {
	var live admissionv1.ValidatingWebhookConfiguration
	err := k.client.Get(ctx, client.ObjectKey{Name: ConfigurationName}, &live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the webhooks' configuration: %w", err)
	}
	return &live, nil
}

// certificates brings the Secret to what it is to hold now, and presents what it says.
func (k *keeper) certificates(ctx context.Context, live *admissionv1.ValidatingWebhookConfiguration) (certificate.Set, time.Time, error) {
	now := k.options.Clock.Now()
	var secret corev1.Secret
	err := k.client.Get(ctx, client.ObjectKey{Namespace: k.options.Namespace, Name: SecretName}, &secret)
	if client.IgnoreNotFound(err) != nil {
		return certificate.Set{}, now, fmt.Errorf("read the certificates: %w", err)
	}
	missing := err != nil
	kept := read(&secret)
	if k.policy.Check(kept, now) != nil && k.policy.Check(k.last, now) == nil {
		// Deleted or damaged, but remembered: another follows without a gap.
		if kept, err = k.policy.Replace(k.last, now); err != nil {
			return kept, now, err
		}
	}
	wanted, look, err := k.policy.Rotate(kept, published(live, kept.Trusted), now)
	if err != nil {
		return wanted, now, err
	}
	changed := secret.DeepCopy()
	write(changed, wanted)
	if missing || !equality.Semantic.DeepEqual(secret.Data, changed.Data) {
		if err := k.keep(ctx, changed, missing); err != nil {
			return wanted, now, err
		}
	}
	return wanted, look, k.serve(wanted)
}

// keep writes the Secret, if nobody else did so meanwhile.
func (k *keeper) keep(ctx context.Context, secret *corev1.Secret, missing bool) error {
	logf.FromContext(ctx).Info("the certificates of the webhooks are written", "missing", missing)
	if missing {
		secret.Namespace, secret.Name = k.options.Namespace, SecretName
		secret.Type = corev1.SecretTypeTLS
		secret.OwnerReferences = k.service(ctx)
		secret.Labels = map[string]string{"app.kubernetes.io/name": "weir", "app.kubernetes.io/component": "webhook",
			"app.kubernetes.io/part-of": "weir"}
		return k.client.Create(ctx, secret)
	}
	return k.client.Update(ctx, secret)
}

func (k *keeper) serve(s certificate.Set) error {
	if k.presented.Load() != nil && bytes.Equal(k.last.Serving.Certificate, s.Serving.Certificate) {
		k.last = s
		return nil
	}
	presented, err := s.Serving.TLS()
	if err != nil {
		return err
	}
	k.last = s
	k.presented.Store(presented)
	return nil
}

// publish makes the live configuration what it should be. It returns after how long to try, when that was done too often.
func (k *keeper) publish(ctx context.Context, live *admissionv1.ValidatingWebhookConfiguration,
	set certificate.Set) (time.Duration, error) {
	want := k.options.configuration(set.Trusted)
	if live != nil && same(live, want) {
		return 0, nil
	}
	if turn := k.restores.Reserve(); turn.Delay() > 0 {
		turn.Cancel()
		return time.Second, nil
	}
	if live == nil {
		k.own(ctx, want)
		logf.FromContext(ctx).Info("the configuration of the webhooks is made")
		return 0, client.IgnoreAlreadyExists(k.client.Create(ctx, want))
	}
	changed := live.DeepCopy()
	changed.Webhooks = want.Webhooks
	changed.Labels, changed.Annotations = merged(live.Labels, want.Labels), merged(live.Annotations, want.Annotations)
	err := k.client.Update(ctx, changed)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return soonest, nil
	}
	if err == nil {
		logf.FromContext(ctx).Info("the configuration of the webhooks is written anew")
	}
	return 0, err
}

// own lets the configuration go with the chart: a policy of it is the owner, if it is there.
func (k *keeper) own(ctx context.Context, o *admissionv1.ValidatingWebhookConfiguration) {
	var policy admissionv1.ValidatingAdmissionPolicy
	if err := k.direct.Get(ctx, client.ObjectKey{Name: ownerPolicy}, &policy); err != nil {
		logf.FromContext(ctx).V(1).Info("configuration of the webhooks has no owner", "why", err.Error())
		return
	}
	o.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "ValidatingAdmissionPolicy", Name: policy.Name, UID: policy.UID,
	}}
}

// service lets the Secret go with the Service, if there is one.
func (k *keeper) service(ctx context.Context) []metav1.OwnerReference {
	var found corev1.Service
	if err := k.direct.Get(ctx, client.ObjectKey{Namespace: k.options.Namespace, Name: k.options.Service}, &found); err != nil {
		return nil
	}
	return []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: found.Name, UID: found.UID}}
}

// ownerPolicy is in the chart as long as the webhooks are wanted.
const ownerPolicy = "weir-own-webhooks"

func merged(live, want map[string]string) map[string]string {
	out := maps.Clone(live)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, want)
	return out
}

// same tells whether the live configuration says what it should, and nothing besides.
func same(live, want *admissionv1.ValidatingWebhookConfiguration) bool {
	return equality.Semantic.DeepEqual(live.Webhooks, want.Webhooks) &&
		maps.Equal(merged(live.Labels, want.Labels), live.Labels) && maps.Equal(merged(live.Annotations, want.Annotations), live.Annotations)
}

// published tells whether the live configuration trusts exactly that in every webhook.
func published(live *admissionv1.ValidatingWebhookConfiguration, trusted []byte) bool {
	if live == nil || len(live.Webhooks) == 0 {
		return false
	}
	for _, h := range live.Webhooks {
		if !bytes.Equal(h.ClientConfig.CABundle, trusted) {
			return false
		}
	}
	return true
}
