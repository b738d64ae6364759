// SPDX-License-Identifier: Apache-2.0

package rating

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		holds              string
	}{
		"known book":            {method: "GET", path: "/ratings/0", status: 200, holds: `"Ada":5`},
		"unknown book":          {method: "GET", path: "/ratings/77", status: 404, holds: "no ratings for book 77"},
		"posted beside known":   {method: "POST", path: "/ratings/0", body: `{"Mia": 3}`, status: 200, holds: `"Ada":5,"Mia":3`},
		"posted over known":     {method: "POST", path: "/ratings/0", body: `{"Ada": 1}`, status: 200, holds: `"Ada":1`},
		"posted without a body": {method: "POST", path: "/ratings/0", status: 400, holds: "stars by reviewer are missing"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := httptest.NewRecorder()
			Handler().ServeHTTP(answer, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
			body := strings.Join(strings.Fields(answer.Body.String()), "")
			if answer.Code != c.status || !strings.Contains(body, strings.Join(strings.Fields(c.holds), "")) {
				t.Errorf("want %d and %s, got %d: %s", c.status, c.holds, answer.Code, answer.Body)
			}
		})
	}
}
