// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// uuidLength is the length of the random end of a nonce.
const uuidLength = 36

// version is a push that a piece of configuration comes from. Its number rises within one run of istiod, and begins
// anew with the next; then the time, in seconds, tells it from an older one.
type version struct {
	number uint64
	at     int64
}

// atMost is true when v is o or an earlier push. Of pushes that cannot be ordered, neither is.
func (v version) atMost(o version) bool { return v.number <= o.number && v.at <= o.at }

// parseVersion reads istiod's name of a push: a time, a slash and a number.
func parseVersion(text string) (version, error) {
	date, number, _ := strings.Cut(text, "/")
	at, dateErr := time.Parse(time.RFC3339, date)
	n, err := strconv.ParseUint(number, 10, 64)
	if dateErr != nil || err != nil {
		return version{}, fmt.Errorf("push version %q is not of the form time/number", text)
	}
	return version{n, at.Unix()}, nil
}

// nonceVersion reads the push out of a nonce, which is the push's name and a UUID; zero for no nonce at all.
func nonceVersion(nonce string) (version, error) {
	if nonce == "" {
		return version{}, nil
	}
	if len(nonce) <= uuidLength {
		return version{}, fmt.Errorf("nonce %q names no push", nonce)
	}
	return parseVersion(nonce[:len(nonce)-uuidLength])
}
