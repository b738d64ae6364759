// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"weir.dev/weir/internal/webhook/certificate"
)

// Keys of the Secret besides those of every TLS Secret.
const (
	keyTrusted = "ca.crt"
	keyNext    = "next.crt"
	keyNextKey = "next.key"
	keyStaged  = "staged"
)

func read(s *corev1.Secret) certificate.Set {
	staged, err := time.Parse(time.RFC3339Nano, string(s.Data[keyStaged]))
	if err != nil {
		staged = time.Time{}
	}
	return certificate.Set{
		Serving: certificate.Pair{Certificate: s.Data[corev1.TLSCertKey], Key: s.Data[corev1.TLSPrivateKeyKey]},
		Next:    certificate.Pair{Certificate: s.Data[keyNext], Key: s.Data[keyNextKey]},
		Trusted: s.Data[keyTrusted], Staged: staged,
	}
}

func write(s *corev1.Secret, set certificate.Set) {
	s.Data = map[string][]byte{
		corev1.TLSCertKey: set.Serving.Certificate, corev1.TLSPrivateKeyKey: set.Serving.Key, keyTrusted: set.Trusted,
	}
	if !set.Next.Empty() {
		s.Data[keyNext], s.Data[keyNextKey] = set.Next.Certificate, set.Next.Key
		s.Data[keyStaged] = []byte(set.Staged.UTC().Format(time.RFC3339Nano))
	}
}
