// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	api "weir.dev/weir/api/v1alpha1"
	engine "weir.dev/weir/internal/release"
)

const (
	// defaultTimeout is how long a server may take to answer.
	defaultTimeout = 5 * time.Second
	// firstPause is until a server is asked again that did not agree; it doubles each time up to longestPause.
	firstPause, longestPause = time.Second, 30 * time.Second
	// wordsLimit is how much of an answer is read for a message, in bytes.
	wordsLimit = 4096
)

// call is what is known of one question to a server.
type call struct {
	underWay, open bool
	words          string
	refusals       int
	next           time.Time
}

// hook returns what the server has answered so far, and asks it when it is the time to.
func (a *Asker) hook(release *api.Release, hook api.WebhookGate, ask engine.Ask) (engine.GateAnswer, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.callOf(release, ask)
	now := a.clock.Now()
	switch {
	case c.open:
		return engine.GateAnswer{State: api.GateOpen, Message: c.words}, 0
	case c.underWay:
	case now.Before(c.next):
		return engine.GateAnswer{State: api.GateWaiting, Message: c.words}, c.next.Sub(now)
	default:
		c.underWay = true
		go a.put(client.ObjectKeyFromObject(release), c, hook, questionOf(release, ask))
	}
	return engine.GateAnswer{State: api.GateWaiting, Message: c.words}, 0
}

// callOf is called with the lock held.
func (a *Asker) callOf(release *api.Release, ask engine.Ask) *call {
	key := client.ObjectKeyFromObject(release)
	if a.calls[key] == nil {
		a.calls[key] = &calls{of: release.UID, all: map[engine.Ask]*call{}}
	}
	c := a.calls[key].all[ask]
	if c == nil {
		c = &call{}
		a.calls[key].all[ask] = c
	}
	return c
}

// put asks the server and tells of its answer.
func (a *Asker) put(of client.ObjectKey, c *call, hook api.WebhookGate, q question) {
	open, words := a.post(a.life, hook, q)
	a.mu.Lock()
	c.underWay, c.open, c.words = false, open, words
	if !open {
		c.next = a.clock.Now().Add(min(firstPause<<min(c.refusals, 10), longestPause))
		c.refusals++
	}
	a.mu.Unlock()
	release := &api.Release{}
	release.Namespace, release.Name = of.Namespace, of.Name
	select {
	case a.told <- event.GenericEvent{Object: release}:
	case <-a.life.Done():
	}
}

// post asks once. Only an answer below 300 opens the gate.
func (a *Asker) post(ctx context.Context, hook api.WebhookGate, q question) (open bool, words string) {
	timeout := defaultTimeout
	if hook.Timeout != nil {
		timeout = hook.Timeout.Duration
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return false, "the question cannot be written: " + err.Error()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return false, "its url is no address"
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", q.Key)
	request.Header.Set("User-Agent", "weir")
	answer, err := a.http.Do(request)
	if err != nil {
		return false, failureWords(request.URL.Host, timeout, err)
	}
	defer answer.Body.Close()
	said := spoken(answer)
	if answer.StatusCode < http.StatusMultipleChoices {
		return true, joined(request.URL.Host+" agrees", said)
	}
	if answer.StatusCode < http.StatusBadRequest {
		said = "redirects are not followed"
	}
	if said == http.StatusText(answer.StatusCode) {
		said = ""
	}
	return false, joined(fmt.Sprintf("%s does not agree yet: it answers %s", request.URL.Host, answer.Status), said)
}

func joined(words, said string) string {
	if said == "" {
		return words
	}
	return words + ": " + said
}

// spoken is what the answer says for a person: its text, or the field message of its JSON.
func spoken(answer *http.Response) string {
	text, err := io.ReadAll(io.LimitReader(answer.Body, wordsLimit))
	if err != nil {
		return ""
	}
	switch kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind {
	case "text/plain":
		return strings.Join(strings.Fields(string(text)), " ")
	case "application/json":
		var said struct{ Message string }
		if json.Unmarshal(text, &said) == nil {
			return said.Message
		}
	}
	return ""
}

// failureWords say why there is no answer. The address's path stays out of them: it may hold a secret.
func failureWords(host string, timeout time.Duration, err error) string {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	var name *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s gives no answer within %s", host, timeout)
	case errors.As(err, &name):
		return fmt.Sprintf("%s cannot be asked: the name %s is not known", host, name.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s cannot be asked: nobody listens there", host)
	default:
		return fmt.Sprintf("%s cannot be asked: %v", host, err)
	}
}

// newHTTP follows no redirects, since a page to sign in at would count as a yes. It does not reach link-local addresses,
// where clouds keep the credentials of machines.
func newHTTP() *http.Client {
	dialer := &net.Dialer{Timeout: longestPause, Control: refuseLinkLocal}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: longestPause,
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

var errLinkLocal = errors.New("link-local addresses are not asked")

func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Unmap().IsLinkLocalUnicast() {
		return errLinkLocal
	}
	return nil
}
