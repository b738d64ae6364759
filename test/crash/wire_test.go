// SPDX-License-Identifier: Apache-2.0

//go:build api

package crash_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// trouble is what befalls one write.
type trouble string

const (
	none        trouble = "undisturbed"
	crashBefore trouble = "crash-before" // the process dies, the write is not made
	crashAfter  trouble = "crash-after"  // the process dies, the write is made
	conflict    trouble = "conflict"     // the write is refused once, since somebody else wrote
	timeout     trouble = "time-out"     // the write is made, its answer is lost, the process goes on
	stale       trouble = "stale-cache"  // the process learns late of what it wrote
	missed      trouble = "missed-event" // the process never gets the event, and lists anew
)

// point is a write, counted among those to the same object.
type point struct {
	write string
	nth   int
}

func (p point) String() string {
	return fmt.Sprintf("%s#%d", strings.ReplaceAll(p.write, "/", "_"), p.nth)
}

// wire is the connection between one process and the API server.
type wire struct {
	next http.RoundTripper
	// trouble befalls the write at the point, once.
	trouble trouble
	at      point
	// bug is what is wrong with the controllers at this end.
	bug bug

	mu      sync.Mutex
	armed   bool
	dead    bool
	trace   []point
	count   map[string]int
	held    map[string]chan struct{} // resource → closed when its events may pass
	drop    map[string]bool          // resource → its next event gets lost
	expired map[string]bool          // resource → its next watch begins with a new list
	// struck is closed when the trouble has come.
	struck chan struct{}
}

func newWire(trouble trouble, at point) *wire {
	return &wire{
		trouble: trouble, at: at, count: map[string]int{}, held: map[string]chan struct{}{},
		drop: map[string]bool{}, expired: map[string]bool{}, struck: make(chan struct{}),
	}
}

// config is one whose connections go over the wire.
func (w *wire) config(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.ContentType = "application/json" // so that events can be told apart
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		w.next = next
		return w
	})
	return cfg
}

// arm begins to count writes.
func (w *wire) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = true
}

func (w *wire) writes() []point {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trace
}

var errDead = errors.New("connection refused")

// RoundTrip lets the trouble come at its point.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	resource, name := target(r)
	if w.isDead() {
		return nil, errDead
	}
	if r.Method == http.MethodGet {
		return w.read(r, resource)
	}
	if resource == "events" {
		return w.next.RoundTrip(r)
	}
	if w.bug.before != nil {
		w.bug.before(r)
	}
	if !w.strikes(r.Method + " " + resource + "/" + name) {
		return w.send(r)
	}
	return w.strike(r, resource)
}

func (w *wire) send(r *http.Request) (*http.Response, error) {
	if w.bug.instead != nil {
		if response := w.bug.instead(r); response != nil {
			return response, nil
		}
	}
	return w.next.RoundTrip(r)
}

func (w *wire) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

// strikes counts the write, and tells whether it is the one.
func (w *wire) strikes(write string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.armed || w.dead {
		return false
	}
	w.count[write]++
	here := point{write, w.count[write]}
	w.trace = append(w.trace, here)
	hit := w.trouble != none && here == w.at
	if hit && (w.trouble == crashBefore || w.trouble == crashAfter) {
		w.dead = true
	}
	return hit
}

func (w *wire) strike(r *http.Request, resource string) (*http.Response, error) {
	defer close(w.struck)
	switch w.trouble {
	case crashBefore:
		return nil, errDead
	case crashAfter, timeout:
		response, err := w.send(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		return nil, errors.New("the answer was lost")
	case conflict:
		return answer(r, http.StatusConflict, "Conflict"), nil
	case stale:
		w.mu.Lock()
		w.held[resource] = make(chan struct{})
		w.mu.Unlock()
	case missed:
		w.mu.Lock()
		w.drop[resource] = true
		w.mu.Unlock()
	default:
	}
	return w.send(r)
}

// release lets held events pass.
func (w *wire) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for resource, gate := range w.held {
		close(gate)
		delete(w.held, resource)
	}
}

func (w *wire) read(r *http.Request, resource string) (*http.Response, error) {
	if r.URL.Query().Get("watch") == "" {
		return w.next.RoundTrip(r)
	}
	w.mu.Lock()
	gone := w.expired[resource] && r.URL.Query().Get("sendInitialEvents") == ""
	if gone {
		delete(w.expired, resource)
	}
	w.mu.Unlock()
	if gone {
		return answer(r, http.StatusGone, "Expired"), nil
	}
	response, err := w.next.RoundTrip(inText(r))
	if err == nil && response.StatusCode == http.StatusOK {
		response.Body = newStream(w, resource, response.Body, r.Context().Done())
	}
	return response, err
}

// inText asks for JSON alone: watches of metadata would rather have what has no lines.
func inText(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	kinds := slices.DeleteFunc(strings.Split(r.Header.Get("Accept"), ","), func(kind string) bool { return strings.Contains(kind, "protobuf") })
	r.Header.Set("Accept", strings.Join(kinds, ","))
	return r
}

// target is the resource a request is about, with its subresource, and the object's name.
func target(r *http.Request) (resource, name string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	for i, part := range parts {
		if part == "namespaces" && i+2 < len(parts) {
			parts = parts[i+2:]
			break
		}
	}
	if len(parts) > 1 {
		name = strings.Join(parts[1:], "/")
	} else if r.Method == http.MethodPost {
		name = nameOf(r)
	}
	return parts[0], name
}

func nameOf(r *http.Request) string {
	var obj struct {
		Metadata struct{ Name string }
	}
	_ = json.Unmarshal(body(r), &obj) // what is no object has no name
	return obj.Metadata.Name
}

// body reads the request's body and leaves it in place.
func body(r *http.Request) []byte {
	if r.Body == nil {
		return nil
	}
	data, _ := io.ReadAll(r.Body) // it lies in memory
	replace(r, data)
	return data
}

func replace(r *http.Request, data []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// answer is one of the API server's refusals.
func answer(r *http.Request, code int, reason string) *http.Response {
	status := "Failure"
	if code < http.StatusBadRequest {
		status = "Success"
	}
	text := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":%q,"reason":%q,"code":%d,"message":"pretended"}`, status, reason, code)
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(text)),
	}
}
