// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"fmt"
	"strconv"
	"strings"
)

// uuidLength is the length of the random end of a nonce.
const uuidLength = 36

// version is the number of the push that a piece of configuration comes from. It rises within one run of one istiod.
type version uint64

// parseVersion reads istiod's name of a push: a time, a slash and a number.
func parseVersion(text string) (version, error) {
	_, number, found := strings.Cut(text, "/")
	n, err := strconv.ParseUint(number, 10, 64)
	if !found || err != nil {
		return 0, fmt.Errorf("push version %q is not of the form time/number", text)
	}
	return version(n), nil
}

// nonceVersion reads the push out of a nonce, which is the push's name and a UUID; 0 for no nonce at all.
func nonceVersion(nonce string) (version, error) {
	if nonce == "" {
		return 0, nil
	}
	if len(nonce) <= uuidLength {
		return 0, fmt.Errorf("nonce %q names no push", nonce)
	}
	return parseVersion(nonce[:len(nonce)-uuidLength])
}
