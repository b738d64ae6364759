// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"regexp"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"

	api "weir.dev/weir/api/v1alpha1"
)

// remembered is how long browsers keep the answer to what they ask before a call, unless something else is said.
const remembered = 10 * time.Minute

// cors is nil for what no other origin may call.
func cors(c *api.CORS) *networking.CorsPolicy {
	if c == nil {
		return nil
	}
	out := &networking.CorsPolicy{
		AllowMethods: c.Methods, AllowHeaders: c.Headers, ExposeHeaders: c.ExposedHeaders, MaxAge: durationpb.New(remembered),
		// What is no call of an allowed origin is not the component's to answer.
		UnmatchedPreflights: networking.CorsPolicy_IGNORE,
	}
	if len(c.Methods) == 0 {
		out.AllowMethods = []string{"GET", "HEAD", "POST"}
	}
	if c.MaxAge != nil {
		out.MaxAge = durationpb.New(c.MaxAge.Duration)
	}
	if c.Credentials {
		out.AllowCredentials = wrapperspb.Bool(true)
	}
	for _, origin := range c.Origins {
		out.AllowOrigins = append(out.AllowOrigins, originMatch(origin))
	}
	return out
}

// originMatch reads a star as what one or several labels of a name may be.
func originMatch(origin string) *networking.StringMatch {
	switch {
	case origin == everyHost:
		return regex(".*")
	case strings.Contains(origin, "*"):
		return regex(strings.Replace(regexp.QuoteMeta(origin), `\*`, `[-a-z0-9.]+`, 1))
	default:
		return exact(origin)
	}
}
