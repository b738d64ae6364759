// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// digestLength tells the few contents apart that one component has in its life, in hexadecimal digits.
const digestLength = 10

// Digests returns the digest of each value. Text and bytes of the same content are the same.
func Digests(text map[string]string, bytes map[string][]byte) map[string]string {
	out := make(map[string]string, len(text)+len(bytes))
	for key, value := range text {
		out[key] = sum([]byte(value))
	}
	for key, value := range bytes {
		out[key] = sum(value)
	}
	return out
}

func sum(value []byte) string {
	s := sha256.Sum256(value)
	return hex.EncodeToString(s[:])
}

// digest is that of the kind and the keys, with their values.
func digest(kind Kind, values map[string]string, keys []string) string {
	h := sha256.New()
	write(h, string(kind))
	for _, key := range keys {
		write(h, key)
		write(h, values[key])
	}
	return hex.EncodeToString(h.Sum(nil))[:digestLength]
}

// write puts the length before the text, so that no two lists of texts come to the same bytes.
func write(h hash.Hash, text string) {
	fmt.Fprintf(h, "%d:%s", len(text), text)
}
