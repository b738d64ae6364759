// SPDX-License-Identifier: Apache-2.0

//go:build api

package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/webhook"
)

// promise is after how long at the most a configuration that was deleted or damaged is as it was.
const promise = 2 * time.Second

func TestConfigurationIsRestored(t *testing.T) {
	serve(t, nil)
	want := live(t)
	type configuration = admissionregistration.ValidatingWebhookConfiguration
	for name, damage := range map[string]func(*configuration){
		"deleted":                 nil,
		"no webhooks":             func(c *configuration) { c.Webhooks = nil },
		"one webhook less":        func(c *configuration) { c.Webhooks = c.Webhooks[1:] },
		"no authority":            func(c *configuration) { c.Webhooks[1].ClientConfig.CABundle = nil },
		"another address":         func(c *configuration) { c.Webhooks[0].ClientConfig.URL = new("https://127.0.0.1:1/") },
		"failing closed":          func(c *configuration) { c.Webhooks[0].FailurePolicy = new(admissionregistration.Fail) },
		"for more than our kinds": func(c *configuration) { c.Webhooks[0].Rules[0].APIGroups = []string{"*"} },
		"for deletes":             func(c *configuration) { c.Webhooks[0].Rules[0].Operations = []admissionregistration.OperationType{"*"} },
		"a long time-out":         func(c *configuration) { c.Webhooks[0].TimeoutSeconds = new(int32(30)) },
		"every namespace":         func(c *configuration) { c.Webhooks[2].NamespaceSelector = nil },
		"no conditions":           func(c *configuration) { c.Webhooks[0].MatchConditions = nil },
		"a stranger's webhook": func(c *configuration) {
			stranger := *c.Webhooks[0].DeepCopy()
			stranger.Name, stranger.Rules[0].APIGroups = "stranger.example.com", []string{""}
			c.Webhooks = append(c.Webhooks, stranger)
		},
		"no labels": func(c *configuration) { c.Labels = nil },
	} {
		t.Run(name, func(t *testing.T) {
			now := live(t)
			if damage == nil {
				if err := direct.Delete(t.Context(), now); err != nil {
					t.Fatal(err)
				}
			} else {
				damage(now)
				if err := direct.Update(t.Context(), now); err != nil {
					t.Fatal(err)
				}
			}
			var diff string
			err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, promise, true, func(ctx context.Context) (bool, error) {
				var got configuration
				if err := direct.Get(ctx, client.ObjectKey{Name: webhook.ConfigurationName}, &got); err != nil {
					diff = err.Error()
					return false, nil //nolint:nilerr // it is asked again
				}
				diff = cmp.Diff(want.Webhooks, got.Webhooks) + cmp.Diff(want.Labels, got.Labels)
				return diff == "", nil
			})
			if err != nil {
				t.Errorf("not restored in %s: %s", promise, diff)
			}
		})
	}
}

// TestCertificateIsReplaced lets certificates end quickly, be deleted and be damaged while questions come, and looks
// whether any went unanswered: what nobody answers would pass.
func TestCertificateIsReplaced(t *testing.T) {
	const life = 8 * time.Second
	forget(t)
	serve(t, func(o *webhook.Options) { o.Life, o.Renew, o.Settle = life, life*3/4, time.Second })
	secret := func() *corev1.Secret {
		var found corev1.Secret
		eventually(t, func() error {
			return direct.Get(t.Context(), client.ObjectKey{Namespace: system, Name: webhook.SecretName}, &found)
		})
		return &found
	}
	replaced := func(from []byte) {
		t.Helper()
		eventually(t, func() error {
			if bytes.Equal(secret().Data[corev1.TLSCertKey], from) {
				return errors.New("the certificate is the old one")
			}
			return nil
		})
	}
	const rate, enough = 200, 2000
	questions := ask(t, rate)
	for range 3 {
		replaced(secret().Data[corev1.TLSCertKey])
	}
	for name, damage := range map[string]func(*corev1.Secret) error{
		"deleted": func(s *corev1.Secret) error { return direct.Delete(t.Context(), s) },
		"emptied": func(s *corev1.Secret) error {
			s.Data = map[string][]byte{corev1.TLSCertKey: nil, corev1.TLSPrivateKeyKey: nil}
			return direct.Update(t.Context(), s)
		},
		"another's authority": func(s *corev1.Secret) error { s.Data["ca.crt"] = []byte("words"); return direct.Update(t.Context(), s) },
		"another's key": func(s *corev1.Secret) error {
			s.Data[corev1.TLSPrivateKeyKey] = []byte("words")
			return direct.Update(t.Context(), s)
		},
	} {
		before := secret().Data[corev1.TLSCertKey]
		eventually(t, func() error {
			if err := damage(secret()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
		replaced(before)
	}
	for questions.asked.Load() < enough {
		replaced(secret().Data[corev1.TLSCertKey]) // a busy machine asks less often
	}
	questions.end()
	asked, lost := questions.asked.Load(), questions.lost.Load()
	t.Logf("%d questions, %d unanswered", asked, lost)
	if lost > 0 {
		t.Errorf("%d of %d questions were not answered", lost, asked)
	}
	if kinds := secret().Type; kinds != corev1.SecretTypeTLS {
		t.Errorf("the Secret is of type %s", kinds)
	}
}

// questions are those that were asked so far, and of them those that nobody answered.
type questions struct {
	asked, lost atomic.Int64
	// end returns when nobody asks any more.
	end func()
}

// ask asks at a rate, a second, whether something may be written that only the webhook refuses, until the caller ends it.
func ask(t *testing.T, rate int) *questions {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	turns := time.NewTicker(time.Second / time.Duration(rate))
	q := &questions{}
	const callers = 20
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case <-turns.C:
				}
				err := direct.Create(ctx, parse(telltale), client.DryRunAll)
				if ctx.Err() != nil {
					return
				}
				q.asked.Add(1)
				if err == nil {
					q.lost.Add(1)
				}
			}
		})
	}
	q.end = func() {
		cancel()
		group.Wait()
		turns.Stop()
	}
	return q
}

// forget deletes what a test before this one left.
func forget(t *testing.T) {
	t.Helper()
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = system, webhook.SecretName
	configuration := &admissionregistration.ValidatingWebhookConfiguration{}
	configuration.Name = webhook.ConfigurationName
	for _, o := range []client.Object{secret, configuration} {
		if err := direct.Delete(t.Context(), o); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}
}
