// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"weir.dev/weir/examples/bookinfo/origin"
)

const deadline = 10 * time.Second

var self = origin.Self{Service: "reviews", Version: "v2"}

func TestShutdownFinishesWhatIsOnItsWay(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	url, stop, done := start(t, Options{Self: self, Grace: deadline}, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		io.WriteString(w, "finished")
	})
	answer := make(chan string, 1)
	go func() { _, body := get(t, url+"/slow"); answer <- body }()
	<-entered
	stop()
	until(t, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", url[len("http://"):])
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	close(release)
	if got := <-answer; got != "finished" {
		t.Errorf("the request on its way got %q", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStoppingClosesConnectionsWithAnAnswer(t *testing.T) {
	url, stop, done := start(t, Options{Self: self, Drain: time.Second, Grace: deadline}, ok)
	if resp, _ := get(t, url+"/"); resp.Close {
		t.Error("a connection was closed before the stop")
	}
	stop()
	until(t, "answers close their connection and the probe fails", func() bool {
		resp, _ := get(t, url+"/")
		probe, _ := get(t, url+"/healthz")
		return resp.StatusCode == http.StatusOK && resp.Close && probe.StatusCode == http.StatusServiceUnavailable
	})
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownGivesUpAfterGrace(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	url, stop, done := start(t, Options{Self: self, Grace: time.Millisecond}, func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	})
	go http.Get(url) // it is never answered
	<-entered
	stop()
	if err := <-done; err == nil {
		t.Error("want an error: a request was unfinished")
	}
	close(release)
}

func TestStartDelay(t *testing.T) {
	url, stop, done := start(t, Options{Self: self, StartDelay: 300 * time.Millisecond, Grace: deadline}, ok)
	if resp, _ := get(t, url+"/healthz"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readiness at start: got %d", resp.StatusCode)
	}
	resp, _ := get(t, url+"/reviews/0")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get(origin.Failed) != "reviews v2" {
		t.Errorf("request at start: got %d %v", resp.StatusCode, resp.Header)
	}
	if resp, _ := get(t, url+"/livez"); resp.StatusCode != http.StatusOK {
		t.Errorf("liveness at start: got %d", resp.StatusCode)
	}
	until(t, "the service is ready", func() bool { resp, _ := get(t, url+"/healthz"); return resp.StatusCode == http.StatusOK })
	if resp, _ := get(t, url+"/reviews/0"); resp.StatusCode != http.StatusOK || resp.Header.Get(origin.Versions) != "reviews=v2" {
		t.Errorf("request when ready: got %d %v", resp.StatusCode, resp.Header)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func ok(http.ResponseWriter, *http.Request) {}

func start(t *testing.T, o Options, h http.HandlerFunc) (url string, stop context.CancelFunc, done chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	done = make(chan error, 1)
	server := New(h, o)
	go func() { done <- server.Run(ctx, listener) }()
	return "http://" + listener.Addr().String(), stop, done
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return &http.Response{}, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp, string(body)
}

func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !met(); time.Sleep(5 * time.Millisecond) { //nolint:forbidigo // the pause of a wait that has a deadline
		if time.Now().After(end) {
			t.Fatalf("after %v: not so that %s", deadline, what)
		}
	}
}

// TestIdleConnectionsAreLeftToTheClient holds that a proxy closes a connection before the service does, which cannot know
// whether a request is on its way. Envoy keeps those to a service for an hour (idle_timeout of its HttpProtocolOptions).
func TestIdleConnectionsAreLeftToTheClient(t *testing.T) {
	const envoy = time.Hour
	if got := New(http.NotFoundHandler(), Options{}).http.IdleTimeout; got <= envoy {
		t.Errorf("idle connections are closed after %s, and a proxy keeps them for %s", got, envoy)
	}
}
