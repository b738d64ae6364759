// SPDX-License-Identifier: Apache-2.0

//go:build api

package controller_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// refused waits until the application says that its newest edit was refused, for a reason that has all the words.
func (w *world) refused(name string, words ...string) {
	w.Helper()
	w.eventually(name+" is refused", func() error {
		applied, err := w.applied(name)
		if err != nil {
			return err
		}
		if applied.Status != metav1.ConditionFalse {
			return fmt.Errorf("it is %s", applied.Status)
		}
		for _, word := range words {
			if !strings.Contains(applied.Message, word) {
				return fmt.Errorf("it says %q, and not %q", applied.Message, word)
			}
		}
		return nil
	})
}

// answers waits until the application answers exactly what is said.
func (w *world) answers(name string, want ...string) {
	w.Helper()
	w.eventually(fmt.Sprintf("%s answers %v", name, want), func() error {
		var app api.Application
		if err := w.client.Get(w.ctx, w.key(name), &app); err != nil {
			return err
		}
		if got := strings.Join(app.Status.Exposed, " "); got != strings.Join(want, " ") {
			return fmt.Errorf("it answers %s: %v", got, app.Status.Conditions)
		}
		return nil
	})
}

// TestOneAnswersAtAPlace holds that an application is refused what another answers, by name, that the one who was first is
// not disturbed, and that the place is free for others when it is given up.
func TestOneAnswersAtAPlace(t *testing.T) {
	w := newWorld(t, nil)
	host := w.namespace + ".example"
	at := func(paths ...string) *api.Expose { return &api.Expose{Hosts: []string{host}, Paths: paths} }
	w.application("first", api.Component{Name: "one", Image: "i:v1", Ports: port(80), Expose: at("/cart")})
	w.answers("first", "http://"+host+"/cart")
	w.application("second", api.Component{Name: "two", Image: "i:v1", Ports: port(80), Expose: at("/cart/items")})
	w.refused("second", "spec.components[two].expose", "application "+w.namespace+"/first answers http://"+host+"/cart already")
	var vs istionet.VirtualService
	if err := w.client.Get(w.ctx, w.key("second-gateway"), &vs); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("there is a route all the same: %v", err)
	}
	w.answers("second")
	w.change("second", func(s *api.ApplicationSpec) { s.Components[0].Expose = at("/") })
	w.answers("second", "http://"+host+"/")
	w.change("first", func(s *api.ApplicationSpec) { s.Components[0].Expose = at("/cart", "/") })
	w.refused("first", "application "+w.namespace+"/second answers http://"+host+"/ already")
	w.answers("first", "http://"+host+"/cart")
	if err := w.client.Delete(w.ctx, &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "second"}}); err != nil {
		t.Fatal(err)
	}
	w.answers("first", "http://"+host+"/", "http://"+host+"/cart")
}

// TestCertificates holds that the gateway gets the certificates that an application names, new ones as well, and none that
// it is not to have; and that what was served stays so when a Secret is lost.
func TestCertificates(t *testing.T) {
	w := newWorld(t, nil)
	gateway := w.gateway()
	host := w.namespace + ".example"
	w.application("shop", api.Component{Name: "one", Image: "i:v1", Ports: port(80), Expose: &api.Expose{
		Hosts: []string{host}, TLS: &api.ExposeTLS{Secret: "cert"},
	}})
	w.refused("shop", "spec.components[one].expose.tls.secret", "there is no Secret cert", "kubectl create secret tls cert")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "cert"}, Type: corev1.SecretTypeTLS, Data: pair(t, host)}
	if err := w.client.Create(w.ctx, secret); err != nil {
		t.Fatal(err)
	}
	w.answers("shop", "https://"+host+"/")
	first := w.served("shop", gateway, secret.Data)
	secret.Data = pair(t, host)
	if err := w.client.Update(w.ctx, secret); err != nil {
		t.Fatal(err)
	}
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[0].Args = []string{"wake"} }) // else it looks each minute
	w.eventually("the new certificate is served", func() error {
		if name := w.credential("shop"); name == first {
			return fmt.Errorf("it is still %s", name)
		}
		return nil
	})
	second := w.served("shop", gateway, secret.Data)
	w.eventually("the old copy is gone", func() error {
		if err := w.client.Get(w.ctx, client.ObjectKey{Namespace: gateway, Name: first}, &corev1.Secret{}); err == nil {
			return fmt.Errorf("%s is there", first)
		}
		return nil
	})
	if err := w.client.Delete(w.ctx, secret); err != nil {
		t.Fatal(err)
	}
	w.change("shop", func(s *api.ApplicationSpec) { s.Components[0].Args = []string{"wake", "again"} })
	w.eventually("the edit is carried out", func() error {
		applied, err := w.applied("shop")
		if err == nil && applied.Status != metav1.ConditionTrue {
			err = errors.New(applied.Message)
		}
		return err
	})
	if name := w.credential("shop"); name != second {
		t.Errorf("without the Secret %s is served, and not %s", name, second)
	}
	if err := w.client.Delete(w.ctx, &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "shop"}}); err != nil {
		t.Fatal(err)
	}
	w.eventually("no copy is left", func() error {
		if err := w.client.Get(w.ctx, client.ObjectKey{Namespace: gateway, Name: second}, &corev1.Secret{}); err == nil {
			return fmt.Errorf("%s is there", second)
		}
		return nil
	})
}

// gateway makes the pod of an ingress gateway, and returns its namespace.
func (w *world) gateway() string {
	w.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "gateway", Labels: map[string]string{"istio": "ingressgateway"}},
		Spec:       corev1.PodSpec{ServiceAccountName: "gateway", Containers: []corev1.Container{{Name: "proxy", Image: "proxy"}}},
	}
	if err := w.client.Create(w.ctx, pod); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := w.client.Delete(context.Background(), pod, client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
			w.Error(err)
		}
	})
	return w.namespace
}

// credential is the name of the certificate that the gateway is told to serve.
func (w *world) credential(app string) string {
	w.Helper()
	var g istionet.Gateway
	if err := w.client.Get(w.ctx, w.key(app), &g); err != nil {
		w.Fatal(err)
	}
	for _, server := range g.Spec.Servers {
		if server.GetPort().GetNumber() == 443 {
			return server.GetTls().GetCredentialName()
		}
	}
	return ""
}

// served holds that the gateway finds the certificate, and returns its name.
func (w *world) served(app, namespace string, want map[string][]byte) string {
	w.Helper()
	name := w.credential(app)
	var copied corev1.Secret
	if err := w.client.Get(w.ctx, client.ObjectKey{Namespace: namespace, Name: name}, &copied); err != nil {
		w.Fatal(err)
	}
	for key, value := range want {
		if string(copied.Data[key]) != string(value) {
			w.Errorf("%s of %s is another", key, name)
		}
	}
	return name
}

// pair is a certificate for the host, signed by itself, and its key.
func pair(t *testing.T, host string) map[string][]byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}
}
