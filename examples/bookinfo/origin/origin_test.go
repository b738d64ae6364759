// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"net/http"
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	cases := map[string]struct{ dst, src, want string }{
		"NothingKnown": {"", "", ""},
		"FirstOfAll":   {"", "reviews=v2", "reviews=v2"},
		"Outer":        {"productpage=v1", "reviews=v2, ratings=v1", "productpage=v1,reviews=v2,ratings=v1"},
		"Again":        {"productpage=v1,reviews=v2", "reviews=v2", "productpage=v1,reviews=v2"},
		"NoAnswer":     {"productpage=v1", "", "productpage=v1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dst, src := http.Header{}, http.Header{}
			dst.Set(Versions, c.dst)
			src.Set(Versions, c.src)
			Merge(dst, src)
			if got := dst.Get(Versions); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBlame(t *testing.T) {
	h := http.Header{}
	Blame(h, "details v1", "down")
	Blame(h, "reviews v4", "down\r\ntoo")
	if got, want := h.Get(Failed), "details v1,reviews v4"; got != want {
		t.Errorf("%s: got %q, want %q", Failed, got, want)
	}
	if got, want := h.Get(Reason), "down"; got != want {
		t.Errorf("%s: got %q, want %q", Reason, got, want)
	}
}

func TestBlameReasonIsOneShortLine(t *testing.T) {
	h := http.Header{}
	Blame(h, "reviews v4", "a\r\nb "+strings.Repeat("é", 200))
	got := h.Get(Reason)
	if !strings.HasPrefix(got, "a b é") || len(got) > maxReason || !strings.HasSuffix(got, "é") {
		t.Errorf("got %q", got)
	}
}

func TestVersionOf(t *testing.T) {
	h := http.Header{}
	h.Set(Versions, "reviews=v2,ratings=v1")
	for service, want := range map[string]string{"reviews": "v2", "ratings": "v1", "details": Unknown} {
		if got := VersionOf(h, service); got != want {
			t.Errorf("%s: got %q, want %q", service, got, want)
		}
	}
}
