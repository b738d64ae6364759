// SPDX-License-Identifier: Apache-2.0

// Package rating is the ratings service: how many stars each reviewer gave a book.
package rating

import (
	"encoding/json"
	"net/http"

	"weir.dev/weir/examples/bookinfo/call"
)

// Ratings is the answer to GET /ratings/{id}.
type Ratings struct {
	ID string `json:"id"`
	// Stars is 1 to 5 by reviewer.
	Stars map[string]int `json:"ratings"`
}

var stars = map[string]map[string]int{
	"0": {"Ada": 5, "Tomasz": 4},
	"1": {"Mei": 5, "Jonas": 3},
	"2": {"Priya": 4, "Luca": 5},
	"3": {"Noor": 3, "Erik": 4},
}

// maxBody bounds what is posted, in bytes.
const maxBody = 1 << 16

// Handler answers GET /ratings/{id}, and POST with stars by reviewer, which are answered together with the known ones and
// not kept.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ratings/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		found, ok := stars[id]
		if !ok {
			http.Error(w, "no ratings for book "+id, http.StatusNotFound)
			return
		}
		call.JSON(w, http.StatusOK, Ratings{ID: id, Stars: found})
	})
	mux.HandleFunc("POST /ratings/{id}", func(w http.ResponseWriter, r *http.Request) {
		all := map[string]int{}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&all); err != nil {
			http.Error(w, "stars by reviewer are missing: "+err.Error()+`; send an object such as {"Ada": 5}`, http.StatusBadRequest)
			return
		}
		for reviewer, n := range stars[r.PathValue("id")] {
			if _, given := all[reviewer]; !given {
				all[reviewer] = n
			}
		}
		call.JSON(w, http.StatusOK, Ratings{ID: r.PathValue("id"), Stars: all})
	})
	return mux
}
