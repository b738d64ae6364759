// SPDX-License-Identifier: Apache-2.0

// Package certificate makes the certificates that the API server knows the webhooks by, and says when others take their place.
package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// skew is by how much clocks of the cluster may differ: a certificate is good from so long before it was made.
const skew = 10 * time.Minute

// Pair is a certificate and its key, both in PEM.
type Pair struct{ Certificate, Key []byte }

// Empty tells whether there is none.
func (p Pair) Empty() bool { return len(p.Certificate) == 0 && len(p.Key) == 0 }

// TLS is the pair as a server presents it.
func (p Pair) TLS() (*tls.Certificate, error) {
	out, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return &out, nil
}

// issue makes an authority and a pair for the names that it signs. The authority's key is forgotten at once: it signs
// nothing else, and nobody can take it.
func issue(names []string, now time.Time, life time.Duration) (authority []byte, leaf Pair, err error) {
	if len(names) == 0 {
		return nil, Pair{}, errors.New("a certificate needs the name of a host")
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, Pair{}, err
	}
	root, err := template("weir webhooks, authority", now, life)
	if err != nil {
		return nil, Pair{}, err
	}
	root.IsCA, root.BasicConstraintsValid, root.MaxPathLenZero = true, true, true
	root.KeyUsage = x509.KeyUsageCertSign
	signed, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, Pair{}, err
	}
	leaf, err = issueLeaf(names, root, rootKey, now, life)
	return encode("CERTIFICATE", signed), leaf, err
}

func issueLeaf(names []string, root *x509.Certificate, rootKey *ecdsa.PrivateKey, now time.Time, life time.Duration) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	server, err := template(names[0], now, life)
	if err != nil {
		return Pair{}, err
	}
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, name)
		}
	}
	signed, err := x509.CreateCertificate(rand.Reader, server, root, &key.PublicKey, rootKey)
	if err != nil {
		return Pair{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Certificate: encode("CERTIFICATE", signed), Key: encode("PRIVATE KEY", private)}, nil
}

func template(name string, now time.Time, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	// A common name holds 64 characters at the most (X.520); nobody reads this one but people.
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name[:min(len(name), 64)]},
		NotBefore: now.Add(-skew), NotAfter: now.Add(life),
	}, nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// authorities reads the good ones out of a bundle in PEM. What is no certificate is passed over.
func authorities(bundle []byte, now time.Time) []*x509.Certificate {
	var out []*x509.Certificate
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		found, err := x509.ParseCertificate(block.Bytes)
		if err == nil && found.IsCA && now.Before(found.NotAfter) {
			out = append(out, found)
		}
	}
	return out
}

// join writes authorities as one bundle.
func join(all []*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, one := range all {
		out.Write(encode("CERTIFICATE", one.Raw))
	}
	return out.Bytes()
}
