// SPDX-License-Identifier: Apache-2.0

package xds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// timeout of one call to istiod.
	timeout = 2 * time.Second
	// connections that are kept open to each istiod.
	connections = 8
)

// errGone says that a proxy is no longer connected to the istiod that was asked.
var errGone = errors.New("proxy not connected")

// istiods asks the debug interface of istiod's pods.
type istiods struct {
	client *http.Client
	token  func(context.Context) (string, error)
}

func newIstiods(token func(context.Context) (string, error)) istiods {
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, IdleConnTimeout: time.Minute}
	return istiods{client: &http.Client{Transport: transport}, token: token}
}

// statuses of all the sidecars and gateways that are connected to the istiod at base.
func (i istiods) statuses(ctx context.Context, base string) ([]status, error) {
	var entries []syncz
	if err := i.get(ctx, base, "/debug/syncz", &entries); err != nil {
		return nil, err
	}
	statuses := make([]status, 0, len(entries))
	for _, entry := range entries {
		s, wanted, err := entry.read(base)
		if err != nil {
			return nil, fmt.Errorf("istiod at %s, proxy %s: %w", base, entry.Proxy, err)
		}
		if wanted {
			statuses = append(statuses, s)
		}
	}
	return statuses, nil
}

// view is what the last push made of the proxy, whose connection is named by proxyID.
func (i istiods) view(ctx context.Context, base, proxyID string) (view, error) {
	var d dump
	second, err := i.ask(ctx, base, "/debug/config_dump?include_eds=true&proxyID="+url.QueryEscape(proxyID), &d)
	if err != nil {
		return view{}, err
	}
	v, err := d.view()
	if err != nil {
		return view{}, fmt.Errorf("istiod at %s, configuration of %s: %w", base, proxyID, err)
	}
	v.second = second
	return v, nil
}

// connectionIDs of everything that is connected to the istiod: the proxy's id and a number.
func (i istiods) connectionIDs(ctx context.Context, base string) ([]string, error) {
	var answer struct {
		Clients []struct {
			ID string `json:"connectionId"`
		} `json:"clients"`
	}
	if err := i.get(ctx, base, "/debug/connections", &answer); err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(answer.Clients))
	for _, c := range answer.Clients {
		ids = append(ids, c.ID)
	}
	return ids, nil
}

// push makes the istiod send everything to all of its proxies anew.
func (i istiods) push(ctx context.Context, base string) error {
	return i.get(ctx, base, "/debug/adsz?push=true", nil)
}

// get reads the JSON at path into answer, unless that is nil.
func (i istiods) get(ctx context.Context, base, path string, answer any) error {
	_, err := i.ask(ctx, base, path, answer)
	return err
}

// ask is get, and returns the second, in Unix time by istiod's clock, in which the answer was ready.
func (i istiods) ask(ctx context.Context, base, path string, answer any) (int64, error) {
	return i.read(ctx, base, path, func(text io.Reader) error {
		if answer == nil {
			_, err := io.Copy(io.Discard, text)
			return err
		}
		if err := json.NewDecoder(text).Decode(answer); err != nil {
			return fmt.Errorf("istiod's answer to %s%s: %w", base, path, err)
		}
		return nil
	})
}

// read hands the answer on as it comes.
func (i istiods) read(ctx context.Context, base, path string, take func(io.Reader) error) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	token, err := i.token(ctx)
	if err != nil {
		return 0, fmt.Errorf("token for istiod: %w", err)
	}
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+path, nil)
	if err != nil {
		return 0, fmt.Errorf("address of istiod %q: %w", base, err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := i.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask istiod: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, refused(request.URL, response)
	}
	return second(response), take(response.Body)
}

// second is when istiod says that it answered; where something in between leaves that out, a little later than now.
func second(response *http.Response) int64 {
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		return at.Unix()
	}
	return time.Now().Add(timeout).Unix()
}

func refused(u *url.URL, response *http.Response) error {
	switch response.StatusCode {
	case http.StatusNotFound:
		if u.Query().Has("proxyID") {
			return errGone
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("istiod refused %s with %s: the token must be of a service account in istiod's namespace, audience %s",
			u, response.Status, audience)
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, 200))
	return fmt.Errorf("istiod answered %s with %s: %s", u, response.Status, strings.TrimSpace(string(body)))
}
