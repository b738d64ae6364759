// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates live as long as a development cluster may; there is no rotation.
const lifetime = 10 * 365 * 24 * time.Hour

// identity is what a certificate says of its owner.
type identity struct {
	name, group string
	hosts       []string // a server's names and addresses
}

// authority signs the certificates of one cluster.
type authority struct {
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// openAuthority reads the cluster's authority, or makes it the first time.
func openAuthority(dir string) (*authority, error) {
	a := &authority{dir: dir}
	if _, err := os.Stat(a.file("ca", "crt")); errors.Is(err, fs.ErrNotExist) {
		return a, a.create()
	}
	return a, a.load()
}

func (a *authority) file(name, kind string) string { return filepath.Join(a.dir, name+"."+kind) }

func (a *authority) create() error {
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	template := newTemplate(identity{name: "weir-cluster"})
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage |= x509.KeyUsageCertSign
	template.ExtKeyUsage = nil
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if err := writeKey(a.file("ca", "key"), key); err != nil {
		return err
	}
	if err := writePEM(a.file("ca", "crt"), "CERTIFICATE", der); err != nil {
		return err
	}
	return a.load()
}

func (a *authority) load() error {
	var err error
	if a.pem, err = os.ReadFile(a.file("ca", "crt")); err != nil {
		return err
	}
	block, _ := pem.Decode(a.pem)
	if block == nil {
		return fmt.Errorf("%s holds no certificate: run weir cluster down, then up", a.file("ca", "crt"))
	}
	if a.certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("%s: %w", a.file("ca", "crt"), err)
	}
	a.key, err = readKey(a.file("ca", "key"))
	return err
}

// issue writes name.crt and name.key unless both are there.
func (a *authority) issue(name string, id identity) error {
	if present(a.file(name, "crt")) && present(a.file(name, "key")) {
		return nil
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, newTemplate(id), a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	if err := writeKey(a.file(name, "key"), key); err != nil {
		return err
	}
	return writePEM(a.file(name, "crt"), "CERTIFICATE", der)
}

// issueKey writes a bare key pair, name.key and name.pub, unless both are there.
func (a *authority) issueKey(name string) error {
	if present(a.file(name, "pub")) && present(a.file(name, "key")) {
		return nil
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writeKey(a.file(name, "key"), key); err != nil {
		return err
	}
	return writePEM(a.file(name, "pub"), "PUBLIC KEY", public)
}

func newTemplate(id identity) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // crypto/rand never fails
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: id.name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if id.group != "" {
		template.Subject.Organization = []string{id.group}
	}
	for _, host := range id.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "EC PRIVATE KEY", der)
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key: run weir cluster down, then up", path)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func present(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}
