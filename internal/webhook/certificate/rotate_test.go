// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"weir.dev/weir/internal/webhook/certificate"
)

var (
	start  = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	policy = certificate.Policy{Names: []string{"weir-webhook.weir-system.svc", "127.0.0.1"}}
)

const (
	day    = 24 * time.Hour
	settle = 30 * time.Second
)

// rotate takes one step, and checks that what is presented is trusted by what the API server was told.
func rotate(t *testing.T, s certificate.Set, now time.Time) (certificate.Set, time.Time) {
	t.Helper()
	next, look, err := policy.Rotate(s, true, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := policy.Check(next, now); err != nil {
		t.Fatalf("at %s: %v", now, err)
	}
	return next, look
}

func count(bundle []byte) int { return bytes.Count(bundle, []byte("BEGIN CERTIFICATE")) }

func TestRotateOverYears(t *testing.T) {
	s, look := rotate(t, certificate.Set{}, start)
	first := s.Serving
	if want := start.Add(60 * day); !look.Equal(want) || !s.Next.Empty() || count(s.Trusted) != 1 {
		t.Fatalf("look at %s, want %s; %d authorities", look, want, count(s.Trusted))
	}
	presented := map[string]bool{}
	for now := look; now.Before(start.Add(1000 * day)); {
		before := s
		s, look = rotate(t, s, now)
		// Whoever knows only what was told before must still trust what is presented now.
		told := before
		told.Serving = s.Serving
		if err := policy.Check(told, now); err != nil {
			t.Fatalf("at %s the API server is surprised: %v", now, err)
		}
		presented[string(s.Serving.Certificate)] = true
		if n := count(s.Trusted); n > 3 {
			t.Fatalf("%d authorities are trusted at %s", n, now)
		}
		if !look.After(now) {
			t.Fatalf("at %s it is to look again at %s", now, look)
		}
		now = look
	}
	if presented[string(first.Certificate)] && len(presented) < 15 {
		t.Errorf("%d certificates in 1000 days, want one each 60", len(presented))
	}
}

func TestRotateIsMakeBeforeBreak(t *testing.T) {
	fresh, _ := rotate(t, certificate.Set{}, start)
	due := start.Add(60 * day)
	staged, look := rotate(t, fresh, due)
	if !bytes.Equal(staged.Serving.Certificate, fresh.Serving.Certificate) || staged.Next.Empty() || count(staged.Trusted) != 2 || !look.Equal(due.Add(settle)) {
		t.Fatalf("when due: next is there %v, %d authorities, look at %s", !staged.Next.Empty(), count(staged.Trusted), look)
	}
	for name, tt := range map[string]struct {
		after     time.Duration
		published bool
		turns     bool
	}{
		"too early":              {settle - time.Second, true, false},
		"the server is not told": {time.Hour, false, false},
		"told for long enough":   {settle, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := policy.Rotate(staged, tt.published, due.Add(tt.after))
			if err != nil {
				t.Fatal(err)
			}
			if turned := bytes.Equal(got.Serving.Certificate, staged.Next.Certificate); turned != tt.turns || count(got.Trusted) != 2 {
				t.Errorf("turned %v, want %v; %d authorities", turned, tt.turns, count(got.Trusted))
			}
		})
	}
}

func TestRotateRepairs(t *testing.T) {
	fresh, _ := rotate(t, certificate.Set{}, start)
	other, _ := rotate(t, certificate.Set{}, start)
	staged, err := policy.Replace(fresh, start)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		set  certificate.Set
		at   time.Time
		kept bool
	}{
		"nothing":               {certificate.Set{}, start, false},
		"no text":               {certificate.Set{Serving: certificate.Pair{Certificate: []byte("x"), Key: []byte("y")}, Trusted: []byte("z")}, start, false},
		"another's key":         {certificate.Set{Serving: certificate.Pair{Certificate: fresh.Serving.Certificate, Key: other.Serving.Key}, Trusted: fresh.Trusted}, start, false},
		"another's authority":   {certificate.Set{Serving: fresh.Serving, Trusted: other.Trusted}, start, false},
		"authorities and words": {certificate.Set{Serving: fresh.Serving, Trusted: append([]byte("words\n"), fresh.Trusted...)}, start, true},
		"slept through its end": {fresh, start.Add(91 * day), false},
		"slept, one staged":     {staged, start.Add(91 * day), false},
		"a spoilt next":         {certificate.Set{Serving: fresh.Serving, Trusted: fresh.Trusted, Next: other.Serving, Staged: start}, start.Add(time.Hour), true},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := rotate(t, tt.set, tt.at)
			if kept := bytes.Equal(got.Serving.Certificate, fresh.Serving.Certificate); kept != tt.kept {
				t.Errorf("kept the certificate: %v, want %v", kept, tt.kept)
			}
		})
	}
}

func TestOtherNamesGetAnotherCertificate(t *testing.T) {
	fresh, _ := rotate(t, certificate.Set{}, start)
	moved := certificate.Policy{Names: []string{"weir-webhook.governance.svc"}}
	got, _, err := moved.Rotate(fresh, true, start)
	if err != nil {
		t.Fatal(err)
	}
	if err := moved.Check(got, start); err != nil || bytes.Equal(got.Serving.Certificate, fresh.Serving.Certificate) {
		t.Errorf("the certificate is not for the new name: %v", err)
	}
}

func TestAuthorityIsForServersOfItsNameAlone(t *testing.T) {
	fresh, _ := rotate(t, certificate.Set{}, start)
	presented, err := fresh.Serving.TLS()
	if err != nil {
		t.Fatal(err)
	}
	leaf := presented.Leaf
	if leaf.IsCA || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("the certificate is for more than serving: CA %v, %v", leaf.IsCA, leaf.ExtKeyUsage)
	}
	if err := leaf.VerifyHostname("somebody-else.weir-system.svc"); err == nil {
		t.Error("the certificate is for another host as well")
	}
}
