// SPDX-License-Identifier: Apache-2.0

package mutant

import "strings"

// words are what may stand in a text field of a name, right and wrong.
var words = map[string][]string{
	"name": {
		"page", "reviews", "a", "b2", "web", "a-b", "x--y", "http", "grpc-web", "istio", "X-User", "x_y", "cookie", "Host", "content-type", "te",
		strings.Repeat("n", 40), strings.Repeat("n", 63), "a.b", "A", "!#$%&'*+.^_|~-",
	},
	"image": {"page:v1", "page:v2", "r.example:5000/a/b:1.2.3", "page@sha256:" + strings.Repeat("0", 64), "page",
		"page:" + strings.Repeat("V_", 60), "page:-.-"},
	"version": {"1.0", "v2", "1.2.3-rc.1", strings.Repeat("9.", 19) + "9", "a..b"},
	"hosts": {"shop.example", "*.shop.example", "*", "a", "a.b.c.d.example", strings.Repeat("h", 63) + ".example",
		"xn--bcher-kva.example", "1.2.3.4", "a-.example", "*.*", "*.a", "*.1.2"},
	"paths": {"/", "/a", "/a/", "/a/b", "/ab", "/%20", "/a b", "/ü", "/a?b=c", "/a#b", "/{id}", "/*", "/..", "//",
		"/" + strings.Repeat("p", 254)},
	"origins": {"https://a.example", "http://*.a.example:81", "*", "https://a", "http://localhost:3000", "https://a.example:99999",
		"https://*.b"},
	"headers":    {"x-a", "X-B", "!#$%&'*+.^_|~-", "authorization", "*"},
	"secret":     {"cert", "a.b", "a--b", strings.Repeat("s", 253), "A", "a/b", "token"},
	"cookie":     {"user", "u_1", "-", strings.Repeat("c", 64)},
	"callers":    {"shop/front", "shop/*", "a/b"},
	"strategy":   {"quick", "other"},
	"components": {"page", "reviews", "db"},
	"source":     {"page", "reviews", "nobody"},
	"method":     {"GET", "POST"},
	"zone":       {"UTC", "Europe/Berlin", "Mars"},
	"url":        {"http://127.0.0.1:9/", "https://hook.example/x?y=z", "http://"},
	"uses": {
		"reviews", "page", "db", "other/one", "far/other/one", "https://api.example", "https://api.example:8443", "http://*.a.example:8080",
		"mysql://db.example:3306",
		"tcp://192.0.2.7:25", "tcp://a.example:80", "tls://*.b.example:443", "redis://c.example:6379", "mongo://d.example:27017",
		"http2://e.example:80",
		"grpc://old.shop.svc.cluster.local:50051", "http://reviews.default.svc.cluster.local:9080", "https://api.example.", "http://1.2.3.4",
		"https://*.example",
		"http://api.example:443", "https://a.b-.example",
	},
	"regex": {
		"a", ".*", "[a-z]+", "^a$", "(a|b)*", "\\d+", "(?i)x", "a{2,5}", "[^/]+", "(", "\\p{Greek}", "(?P<n>a)", "$", "^", "a\\/b", "\\x{10FFFF}",
		"\\C",
		"(?s).", "x*?", "\\Qa.b\\E", "a{1000}", strings.Repeat("(a|b)", 100),
	},
	"exact": {"a", "a b", "%", "a;b", "\"q\"", "\\", "ü", "/a", "/a/b", "a,b", " a", strings.Repeat("e", 1024), "\t", "a\nb", "*", "$(x)",
		"{}"},
	"prefix": {"/", "/a", "a", "ü", "%2F", " ", strings.Repeat("f", 1024), "\"", "\x7f"},
	"query":  {`max(depth{to="$(to)"})`, "up", "rate(x[5m])"},
}

// durations are as often asked for as not.
var durations = []string{"1s", "0s", "10s", "1m", "1h", "1h30m", "24h", "720h", "1ms", "0.5s", "-1s", "soon"}

// word is a text for the field.
func (c *Chance) word(name string) string {
	known := words[name]
	switch roll := c.N(8); {
	case roll == 7:
		return c.text()
	case known != nil:
		return pick(c, known)
	case roll > 3:
		return pick(c, durations)
	default:
		return pick(c, words["name"])
	}
}
