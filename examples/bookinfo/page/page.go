// SPDX-License-Identifier: Apache-2.0

// Package page is the productpage service: the one that people see. It puts a page together out of details and reviews,
// shows which versions of them answered, and offers the same as JSON.
package page

import (
	"net/http"
	"sync"

	"weir.dev/weir/examples/bookinfo/call"
	"weir.dev/weir/examples/bookinfo/detail"
	"weir.dev/weir/examples/bookinfo/origin"
	"weir.dev/weir/examples/bookinfo/rating"
	"weir.dev/weir/examples/bookinfo/review"
)

// Shop is productpage with the services it calls.
type Shop struct {
	// Version and Host, the name of the pod, are shown at the foot of the page.
	Version, Host             string
	Details, Reviews, Ratings *call.Service
}

// Handler answers the page and the API. A page of which a section is missing has status 502, so that whoever watches the
// status sees the failure, and names the version to blame in origin.Failed.
func (s *Shop) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /productpage", s.page)
	mux.HandleFunc("POST /login", signIn)
	mux.HandleFunc("GET /logout", signOut)
	mux.HandleFunc("GET /api/v1/products", func(w http.ResponseWriter, _ *http.Request) {
		call.JSON(w, http.StatusOK, products)
	})
	mux.HandleFunc("GET /api/v1/products/{id}", pass[detail.Details](s.Details, "/details/"))
	mux.HandleFunc("GET /api/v1/products/{id}/reviews", pass[review.Reviews](s.Reviews, "/reviews/"))
	mux.HandleFunc("GET /api/v1/products/{id}/ratings", pass[rating.Ratings](s.Ratings, "/ratings/"))
	return identify(mux)
}

// pass answers with what service answers at path followed by the product's number.
func pass[T any](service *call.Service, path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		product, ok := productOf(r.PathValue("id"))
		if !ok {
			notFound(w, r)
			return
		}
		var answer T
		a := service.Get(r, path+product.ID, &answer)
		origin.Merge(w.Header(), a.Header)
		if a.Err != nil {
			service.Blame(w.Header(), a)
			call.JSON(w, http.StatusBadGateway, map[string]string{"error": a.Err.Error()})
			return
		}
		call.JSON(w, http.StatusOK, answer)
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	call.JSON(w, http.StatusNotFound, map[string]string{"error": "no product " + r.PathValue("id")})
}

func (s *Shop) page(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	if id == "" {
		id = products[0].ID
	}
	product, ok := productOf(id)
	if !ok {
		http.Error(w, "no product "+id, http.StatusNotFound)
		return
	}
	v := s.view(r, product)
	for _, a := range []call.Answer{v.DetailsAnswer, v.ReviewsAnswer} {
		origin.Merge(w.Header(), a.Header)
	}
	status := http.StatusOK
	if v.DetailsAnswer.Err != nil {
		s.Details.Blame(w.Header(), v.DetailsAnswer)
		status = http.StatusBadGateway
	}
	if v.ReviewsAnswer.Err != nil {
		s.Reviews.Blame(w.Header(), v.ReviewsAnswer)
		status = http.StatusBadGateway
	}
	render(w, status, v)
}

// view gathers what the page shows; details and reviews are asked at the same time.
func (s *Shop) view(r *http.Request, product Product) view {
	v := view{Product: product, Shelf: products, User: r.Header.Get(endUser), Version: s.Version, Host: s.Host}
	var both sync.WaitGroup
	both.Go(func() { v.DetailsAnswer = s.Details.Get(r, "/details/"+product.ID, &v.Details) })
	both.Go(func() { v.ReviewsAnswer = s.Reviews.Get(r, "/reviews/"+product.ID, &v.Reviews) })
	both.Wait()
	return v
}
