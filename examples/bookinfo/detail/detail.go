// SPDX-License-Identifier: Apache-2.0

// Package detail is the details service: the facts about a book.
package detail

import (
	"net/http"

	"weir.dev/weir/examples/bookinfo/call"
)

// Details is the answer to GET /details/{id}.
type Details struct {
	ID        string `json:"id"`
	Author    string `json:"author"`
	Year      int    `json:"year"`
	Type      string `json:"type"`
	Pages     int    `json:"pages"`
	Publisher string `json:"publisher"`
	Language  string `json:"language"`
	ISBN13    string `json:"isbn13"`
}

// The ISBNs are in no real book: the prefix 979-0 belongs to printed music.
var facts = map[string]Details{
	"0": shakespeare(1595, 112, "979-0-0000-0000-1"),
	"1": shakespeare(1600, 128, "979-0-0000-0001-8"),
	"2": shakespeare(1611, 144, "979-0-0000-0002-5"),
	"3": shakespeare(1602, 136, "979-0-0000-0003-2"),
}

func shakespeare(year, pages int, isbn string) Details {
	return Details{
		Author: "William Shakespeare", Year: year, Type: "Paperback", Pages: pages,
		Publisher: "Weir & Daughters", Language: "English", ISBN13: isbn,
	}
}

// Handler answers GET /details/{id}.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /details/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		found, ok := facts[id]
		if !ok {
			http.Error(w, "no details of book "+id, http.StatusNotFound)
			return
		}
		found.ID = id
		call.JSON(w, http.StatusOK, found)
	})
	return mux
}
