// SPDX-License-Identifier: Apache-2.0

// Package origin says on every answer which versions of which services took part in it, and which of them made it fail,
// so that a client can attribute a failure to the version that caused it.
package origin

import (
	"net/http"
	"slices"
	"strings"
)

const (
	// Versions lists everyone who took part, the outermost first: "productpage=v1,reviews=v2,ratings=v1".
	Versions = "X-Bookinfo-Versions"
	// Failed lists who made the answer fail: "reviews v4". Only failed answers carry it.
	Failed = "X-Bookinfo-Failed"
	// Reason says in words why the answer failed.
	Reason = "X-Bookinfo-Reason"

	// Unknown stands for the version of a service that failed without saying which version it is,
	// such as one that could not be reached.
	Unknown = "unknown"
)

// maxReason bounds the length of a Reason in bytes.
const maxReason = 200

// Self is one version of one service.
type Self struct {
	Service, Version string
}

// Blame names the version as Failed does.
func (s Self) Blame() string { return s.Service + " " + s.Version }

// Stamp makes every answer of next name self in Versions.
func Stamp(self Self, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(Versions, self.Service+"="+self.Version)
		next.ServeHTTP(w, r)
	})
}

// Merge adds those who took part in the answer src to the answer dst. It is called before dst is written.
func Merge(dst, src http.Header) { add(dst, Versions, src.Get(Versions)) }

// Blame records on dst that the services named by who made it fail, and why.
func Blame(dst http.Header, who, why string) {
	add(dst, Failed, who)
	if dst.Get(Reason) == "" {
		dst.Set(Reason, oneLine(why))
	}
}

// VersionOf returns the version of service that took part in the answer h, or Unknown.
func VersionOf(h http.Header, service string) string {
	for _, entry := range split(h.Get(Versions)) {
		if name, version, _ := strings.Cut(entry, "="); name == service && version != "" {
			return version
		}
	}
	return Unknown
}

func add(h http.Header, key, list string) {
	entries := split(h.Get(key))
	for _, entry := range split(list) {
		if !slices.Contains(entries, entry) {
			entries = append(entries, entry)
		}
	}
	if len(entries) > 0 {
		h.Set(key, strings.Join(entries, ","))
	}
}

func split(list string) []string {
	var entries []string
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "")
	}
	return s
}
