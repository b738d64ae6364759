// SPDX-License-Identifier: Apache-2.0

//go:build api

package crash_test

import (
	"bufio"
	"bytes"
	"io"
)

// stream is a watch, one event a line, that can be held up, and lose an event.
type stream struct {
	io.Closer
	wire     *wire
	resource string
	lines    *bufio.Reader
	left     []byte
	done     <-chan struct{}
	lost     bool
}

func newStream(w *wire, resource string, body io.ReadCloser, done <-chan struct{}) *stream {
	return &stream{Closer: body, wire: w, resource: resource, lines: bufio.NewReader(body), done: done}
}

func (s *stream) Read(p []byte) (int, error) {
	if s.lost {
		return 0, io.EOF
	}
	if len(s.left) == 0 {
		line, err := s.lines.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		if s.loses(line) {
			return 0, io.EOF
		}
		s.left = line
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

// loses waits while events of the resource are held, and tells whether this one gets lost. Then the stream ends, and the
// next one does not begin where this one ended.
func (s *stream) loses(line []byte) bool {
	s.wire.mu.Lock()
	gate := s.wire.held[s.resource]
	s.wire.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-s.done:
		}
	}
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	if !s.wire.drop[s.resource] || bytes.Contains(line, []byte(`"type":"BOOKMARK"`)) {
		return false
	}
	s.lost = true
	delete(s.wire.drop, s.resource)
	s.wire.expired[s.resource] = true
	return true
}
