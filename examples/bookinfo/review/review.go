// SPDX-License-Identifier: Apache-2.0

// Package review is the reviews service. Its versions differ in the stars: v1 has none and does not call ratings, v2 has
// black ones, v3 and later red ones.
package review

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"weir.dev/weir/examples/bookinfo/call"
	"weir.dev/weir/examples/bookinfo/origin"
	"weir.dev/weir/examples/bookinfo/rating"
)

// Stars is what a version draws beside a review.
type Stars string

// The kinds of stars.
const (
	None  Stars = "none"
	Black Stars = "black"
	Red   Stars = "red"
)

// Reviews is the answer to GET /reviews/{id}.
type Reviews struct {
	ID      string   `json:"id"`
	Version string   `json:"version"`
	Reviews []Review `json:"reviews"`
	// RatingsError says why there are no stars although this version draws them.
	RatingsError string `json:"ratingsError,omitempty"`
}

// Review is one reader's opinion.
type Review struct {
	Reviewer string  `json:"reviewer"`
	Text     string  `json:"text"`
	Rating   *Rating `json:"rating,omitempty"`
}

// Rating is the opinion as a number.
type Rating struct {
	// Stars is 1 to 5.
	Stars int   `json:"stars"`
	Color Stars `json:"color"`
}

// StarsOf returns what version draws, going by its leading number: "v1.4" draws None, "v2-bad" Black, "v3" and above Red.
// A version without a number draws Black.
func StarsOf(version string) Stars {
	digits := strings.TrimPrefix(version, "v")
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	switch number, err := strconv.Atoi(digits); {
	case err != nil || number == 2:
		return Black
	case number < 2:
		return None
	default:
		return Red
	}
}

// ParseStars returns the stars called s; empty means those of version.
func ParseStars(s, version string) (Stars, error) {
	switch stars := Stars(s); stars {
	case "":
		return StarsOf(version), nil
	case None, Black, Red:
		return stars, nil
	}
	return "", fmt.Errorf("stars %q: give none, black or red", s)
}

// Handler answers GET /reviews/{id} as version, with stars out of ratings unless it draws None.
func Handler(version string, stars Stars, ratings *call.Service) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /reviews/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		found, ok := opinions[id]
		if !ok {
			http.Error(w, "no reviews of book "+id, http.StatusNotFound)
			return
		}
		answer := Reviews{ID: id, Version: version, Reviews: slices.Clone(found)}
		if stars != None {
			var given rating.Ratings
			a := ratings.Get(r, "/ratings/"+id, &given)
			origin.Merge(w.Header(), a.Header)
			answer.rate(stars, given, a.Err)
		}
		call.JSON(w, http.StatusOK, answer)
	})
	return mux
}

// rate puts the stars beside the reviews. Without ratings the reviews are still worth reading, so err does not fail them.
func (r *Reviews) rate(color Stars, given rating.Ratings, err error) {
	if err != nil {
		r.RatingsError = "ratings cannot be had just now: " + err.Error()
		return
	}
	for i := range r.Reviews {
		if stars, ok := given.Stars[r.Reviews[i].Reviewer]; ok {
			r.Reviews[i].Rating = &Rating{Stars: stars, Color: color}
		}
	}
}
