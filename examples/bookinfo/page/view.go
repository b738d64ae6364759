// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"weir.dev/weir/examples/bookinfo/call"
	"weir.dev/weir/examples/bookinfo/detail"
	"weir.dev/weir/examples/bookinfo/origin"
	"weir.dev/weir/examples/bookinfo/review"
)

// maxStars is the best rating there is.
const maxStars = 5

//go:embed page.html
var source string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"stars": drawStars, "initial": initial}).Parse(source))

// view is all that the page shows.
type view struct {
	Product       Product
	Shelf         []Product
	User          string
	Version, Host string

	Details       detail.Details
	DetailsAnswer call.Answer
	Reviews       review.Reviews
	ReviewsAnswer call.Answer
}

// star is one of the five beside a review.
type star struct{ Full bool }

func drawStars(r review.Rating) []star {
	drawn := make([]star, maxStars)
	for i := range drawn {
		drawn[i].Full = i < r.Stars
	}
	return drawn
}

func initial(name string) string { return strings.ToUpper(name[:min(1, len(name))]) }

// hop is one service in the line that says who made the page.
type hop struct {
	Service, Version string
	Took             string
	OK               bool
}

// Callees are the services that productpage called, in the order of the page.
func (v view) Callees() []hop {
	return []hop{hopOf("details", v.DetailsAnswer), hopOf("reviews", v.ReviewsAnswer)}
}

func hopOf(service string, a call.Answer) hop {
	ms := float64(a.Took) / float64(time.Millisecond)
	return hop{Service: service, Version: a.Version, Took: fmt.Sprintf("%.1f ms", ms), OK: a.Err == nil}
}

// RatingsVersion is the version of ratings behind the reviews; empty when reviews did not hear from it.
func (v view) RatingsVersion() string {
	version := origin.VersionOf(v.ReviewsAnswer.Header, "ratings")
	if version == origin.Unknown {
		return ""
	}
	return version
}

// Tone is the color in which the page shows the version of reviews: the color of its stars.
func (v view) Tone() string {
	if v.ReviewsAnswer.Err != nil {
		return "failed"
	}
	return string(review.StarsOf(v.ReviewsAnswer.Version))
}

// render makes the page in memory first, so that a mistake in it is an honest 500.
func render(w http.ResponseWriter, status int, v view) {
	var body bytes.Buffer
	if err := page.Execute(&body, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body.Bytes()) //nolint:errcheck // the client is gone: nobody is left to tell.
}
