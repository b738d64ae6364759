// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	netns "weir.dev/weir/cluster/network"
)

// browser makes requests as somebody outside of the cluster does, by any name, and trusts one certificate.
type browser struct {
	dial  netns.Dial
	to    string
	trust *x509.CertPool
}

// certificate is one for names, with its key, both as PEM.
func certificate(t *testing.T, names ...string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "weir test"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

// answer is what came back.
type answer struct {
	status  int
	proto   string
	header  http.Header
	trailer http.Header
	body    string
}

// ask sends a request to the gateway. With http2 it speaks nothing else.
func (b browser) ask(ctx context.Context, http2 bool, method, url string, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	protocols.SetUnencryptedHTTP2(http2)
	transport := &http.Transport{
		Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: b.trust},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return b.dial(ctx, net.JoinHostPort(b.to, port))
		},
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header = header
	response, err := transport.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Proto, response.Header, response.Trailer, string(text)}, err
}

// testWays goes in by every way that an application can have.
func (s *shop) testWays(t *testing.T) {
	s.weir(t, "cluster", "load-image", buildEcho(t))
	s.applyFile(t, "ways.yaml")
	t.Cleanup(func() { s.remove(t, "ways") })
	eventually(t, func() string { // the certificate is not there yet
		if said := saying(s.app(t, "ways", "site"), api.ConditionApplied); !strings.Contains(said, "shop-certificate") {
			return "a missing certificate is not named: " + said
		}
		return ""
	})
	b := browser{dial: s.inside(t), to: s.openPort(t, 2525), trust: s.certify(t)}
	s.ready(t, "ways", "site")
	for _, step := range []struct {
		name string
		run  func(*testing.T, browser)
	}{
		{"HTTPS", testHTTPS}, {"who asks by HTTP is sent to HTTPS", testRedirect}, {"CORS", testCORS}, {"gRPC", testRPC},
		{"connections", testStream}, {"what another has is refused by its name", s.testTaken},
		{"a new certificate is served", s.testRenewal}, {"two applications share a host", s.testBeside},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(t, b) })
	}
}

// certify makes the certificate that the application names, and returns who trusts it.
func (s *shop) certify(t *testing.T) *x509.CertPool {
	t.Helper()
	cert, key := certificate(t, "shop.test", "*.shop.test")
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ways", Name: "shop-certificate"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key},
	}
	err := s.client.Create(t.Context(), secret)
	if client.IgnoreAlreadyExists(err) != nil {
		t.Fatal(err)
	} else if err != nil {
		if err := s.client.Update(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// openPort gives the gateway's Service a port more, and returns its address.
func (s *shop) openPort(t *testing.T, number int32) string {
	t.Helper()
	var service corev1.Service
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: "istio-ingress", Name: "istio-ingressgateway"}, &service); err != nil {
		t.Fatal(err)
	}
	before := service.DeepCopy()
	service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
		Name: fmt.Sprintf("tcp-%d", number), Port: number, TargetPort: intstr.FromInt32(number),
	})
	if err := s.client.Patch(t.Context(), &service, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	return service.Spec.ClusterIP
}

// expect asks until the answer is as wanted: proxies learn of a new way a moment after its Application is ready.
func expect(t *testing.T, b browser, http2 bool, url string, right func(answer) bool) {
	t.Helper()
	eventually(t, func() string {
		got, err := b.ask(t.Context(), http2, http.MethodGet, url, http.Header{}, nil)
		if err != nil || !right(got) {
			return fmt.Sprintf("%s: %+v, %v", url, got, err)
		}
		return ""
	})
}

func by(name, proto string) func(answer) bool {
	return func(a answer) bool {
		return a.status == http.StatusOK && strings.Contains(a.body, "name="+name+"\n") && a.proto == proto
	}
}

func testHTTPS(t *testing.T, b browser) {
	expect(t, b, true, "https://shop.test/", by("web", "HTTP/2.0"))
	expect(t, b, false, "https://www.shop.test/", by("web", "HTTP/1.1"))
	expect(t, b, true, "https://api.shop.test/", by("api", "HTTP/2.0"))
	if got, err := b.ask(t.Context(), false, http.MethodGet, "https://nobody.shop.test/", http.Header{}, nil); err == nil {
		t.Errorf("a name that nobody exposes was answered: %+v", got)
	}
}

func testRedirect(t *testing.T, b browser) {
	got, err := b.ask(t.Context(), false, http.MethodGet, "http://shop.test/cart?a=b", http.Header{}, nil)
	if err != nil || got.status != http.StatusMovedPermanently || got.header.Get("Location") != "https://shop.test/cart?a=b" {
		t.Errorf("%+v, %v; want 301 to https://shop.test/cart?a=b", got, err)
	}
	expect(t, b, false, "http://api.shop.test/", by("api", "HTTP/1.1"))
}

func testCORS(t *testing.T, b browser) {
	preflight := func(origin string) http.Header {
		got, err := b.ask(t.Context(), true, http.MethodOptions, "https://api.shop.test/", http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {"DELETE"}, "Access-Control-Request-Headers": {"x-token"},
		}, nil)
		if err != nil || got.status != http.StatusOK {
			t.Fatalf("%+v, %v", got, err)
		}
		return got.header
	}
	allowed := preflight("https://page.shop.test")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://page.shop.test", "Access-Control-Allow-Methods": "GET,DELETE",
		"Access-Control-Allow-Headers": "x-token", "Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "3600",
	} {
		if got := allowed.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := preflight("https://shop.test.evil.example").Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("another's page may call: %q", got)
	}
}

// testRPC makes a call of gRPC with an empty message, with a certificate and without.
func testRPC(t *testing.T, b browser) {
	for _, url := range []string{"http://rpc.shop.test/echo.Echo/Tell", "https://rpc.shop.test/echo.Echo/Tell"} {
		eventually(t, func() string {
			got, err := b.ask(t.Context(), true, http.MethodPost, url, http.Header{
				"Content-Type": {"application/grpc"}, "Te": {"trailers"},
			}, []byte{0, 0, 0, 0, 0})
			if err != nil || got.trailer.Get("Grpc-Status") != "0" || !strings.HasSuffix(got.body, "called") {
				return fmt.Sprintf("%s: %+v, %v", url, got, err)
			}
			return ""
		})
	}
}

func testStream(t *testing.T, b browser) {
	eventually(t, func() string {
		conn, err := b.dial(t.Context(), net.JoinHostPort(b.to, "2525"))
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		got := make([]byte, 5)
		if _, err = conn.Write([]byte("hello")); err == nil {
			_, err = io.ReadFull(conn, got)
		}
		if err != nil || string(got) != "hello" {
			return fmt.Sprintf("%q, %v", got, err)
		}
		return ""
	})
}

// testTaken tries to take what the application has, from another namespace.
func (s *shop) testTaken(t *testing.T, _ browser) {
	for name, expose := range map[string]string{
		"host": "{hosts: [www.shop.test]}", "certificate": "{hosts: [api.shop.test], paths: [/other], tls: {secret: shop-certificate}}", "port": "{tcp: 2525}",
	} {
		err := s.apply(t, []byte(`apiVersion: weir.dev/v1alpha1
kind: Application
metadata: {name: rival, namespace: default}
spec: {components: [{name: rival, image: "`+echoImage+`", ports: [{port: 8080, protocol: http}], expose: `+expose+`}]}`))
		if err == nil || !strings.Contains(err.Error(), "application ways/site answers") {
			t.Errorf("%s: %v; want it refused by the name of ways/site", name, err)
		}
	}
}

func (s *shop) testRenewal(t *testing.T, b browser) {
	b.trust = s.certify(t)
	expect(t, b, true, "https://shop.test/", by("web", "HTTP/2.0"))
}

// testBeside lets an application answer a path of a host at whose / an older one is trying a new version: what testers ask for
// there is the path's own.
func (s *shop) testBeside(t *testing.T, b browser) {
	s.applyFile(t, "beside.yaml")
	s.ready(t, "ways", "older")
	err := s.edit(t, "ways", "older", func(spec *api.ApplicationSpec) {
		spec.Components[0].Version, spec.Components[0].Env[1].Value = "v2", "v2"
	})
	if err != nil {
		t.Fatal(err)
	}
	tester := http.Header{"X-Tester": {"yes"}}
	asked := func(path string, header http.Header, want string) {
		t.Helper()
		eventually(t, func() string {
			got, err := b.ask(t.Context(), false, http.MethodGet, "http://both.test"+path, header, nil)
			if err != nil || !strings.Contains(got.body, want) {
				return fmt.Sprintf("%s: %+v, %v; want %q", path, got, err, want)
			}
			return ""
		})
	}
	asked("/", tester, "name=root\nversion=v2")
	asked("/", http.Header{}, "name=root\nversion=v1")
	err = s.apply(t, []byte(`apiVersion: weir.dev/v1alpha1
kind: Application
metadata: {name: younger, namespace: ways}
spec:
  components:
    - name: cart
      image: "`+echoImage+`"
      version: v1
      env: [{name: NAME, value: cart}]
      ports: [{port: 8080, protocol: http}]
      expose: {hosts: [both.test], paths: [/cart]}
`))
	if err != nil {
		t.Fatal(err)
	}
	asked("/cart", http.Header{}, "name=cart")
	asked("/cart", tester, "name=cart")
	asked("/", tester, "name=root\nversion=v2")
}
