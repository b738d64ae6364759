// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"time"
)

// Set is all that is kept of certificates.
type Set struct {
	// Serving is the pair that the webhooks present.
	Serving Pair
	// Next is to follow it once the API server has had time to learn its authority; empty when nothing is to follow.
	Next Pair
	// Trusted are the authorities that the API server is told of, in PEM, the newest first.
	Trusted []byte
	// Staged is since when Next is there.
	Staged time.Time
}

// Policy says how certificates are made and when they are replaced.
type Policy struct {
	// Names are the hosts, by name or address, that the API server calls the webhooks at.
	Names []string
	// Life of a certificate. Default: 2160h, which is 90 days.
	Life time.Duration
	// Renew is how long before its end a certificate is replaced. Default: a third of its life.
	Renew time.Duration
	// Settle is how long the API server is told of a new authority before a certificate of it is presented. Default: 30s.
	Settle time.Duration
}

func (p Policy) withDefaults() Policy {
	if p.Life == 0 {
		p.Life = 90 * 24 * time.Hour
	}
	if p.Renew == 0 {
		p.Renew = p.Life / 3
	}
	if p.Settle == 0 {
		p.Settle = 30 * time.Second
	}
	return p
}

// Rotate returns the set that is to be kept from now on, and when to look again. published tells whether the API server is
// told of all that the set trusts: until then nothing new is presented. Every replacement is make before break: first the
// new authority is trusted besides the old one, then its certificate is presented, and the old one is trusted to its end.
func (p Policy) Rotate(s Set, published bool, now time.Time) (Set, time.Time, error) {
	p = p.withDefaults()
	trusted := authorities(s.Trusted, now)
	s.Trusted = join(trusted)
	if _, err := p.check(s.Next, trusted, now); err != nil {
		s.Next, s.Staged = Pair{}, time.Time{}
	}
	end, err := p.check(s.Serving, trusted, now)
	switch {
	case err != nil && !s.Next.Empty():
		s.Serving, s.Next, s.Staged = s.Next, Pair{}, time.Time{}
	case err != nil:
		if s, err = p.add(s, now); err != nil {
			return s, now, err
		}
		s.Serving, s.Next, s.Staged = s.Next, Pair{}, time.Time{}
	case s.Next.Empty() && !now.Before(end.Add(-p.Renew)):
		s, err = p.add(s, now)
		return s, now.Add(p.Settle), err
	case s.Next.Empty():
		return s, end.Add(-p.Renew), nil
	case now.Before(s.Staged.Add(p.Settle)):
		return s, s.Staged.Add(p.Settle), nil
	case !published:
		s.Staged = now // the time to settle begins when the API server is told
		return s, now.Add(p.Settle), nil
	default:
		s.Serving, s.Next, s.Staged = s.Next, Pair{}, time.Time{}
	}
	end, err = p.check(s.Serving, authorities(s.Trusted, now), now)
	return s, end.Add(-p.Renew), err
}

// Replace returns a set in which another certificate is to follow the one that is presented, however long that is good for.
func (p Policy) Replace(s Set, now time.Time) (Set, error) { return p.withDefaults().add(s, now) }

// add makes a pair that is to follow, and trusts its authority.
func (p Policy) add(s Set, now time.Time) (Set, error) {
	authority, leaf, err := issue(p.Names, now, p.Life)
	if err != nil {
		return s, fmt.Errorf("make a certificate: %w", err)
	}
	s.Next, s.Staged = leaf, now
	s.Trusted = append(bytes.Clone(authority), s.Trusted...)
	return s, nil
}

// Check tells why the API server would not take what the set presents.
func (p Policy) Check(s Set, now time.Time) error {
	_, err := p.check(s.Serving, authorities(s.Trusted, now), now)
	return err
}

// check returns until when the pair is good.
func (p Policy) check(pair Pair, trusted []*x509.Certificate, now time.Time) (time.Time, error) {
	presented, err := pair.TLS()
	if err != nil {
		return now, err
	}
	roots := x509.NewCertPool()
	for _, authority := range trusted {
		roots.AddCert(authority)
	}
	for _, name := range p.Names {
		if _, err := presented.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); err != nil {
			return now, fmt.Errorf("verify the certificate: %w", err)
		}
	}
	return presented.Leaf.NotAfter, nil
}
