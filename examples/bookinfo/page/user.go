// SPDX-License-Identifier: Apache-2.0

package page

import (
	"net/http"
	"net/url"
)

const (
	// endUser carries the name of whoever is signed in to every service, so that a route can match on it.
	endUser = "End-User"
	// session is the cookie that remembers the name. It proves nothing: this is a demonstration.
	session = "session"
	// maxName bounds the name in bytes.
	maxName = 64
)

// identify turns the session cookie into the header that the other services get.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie(session); err == nil {
			if name, err := url.QueryUnescape(cookie.Value); err == nil && validName(name) {
				r.Header.Set(endUser, name)
			}
		}
		next.ServeHTTP(w, r)
	})
}

func signIn(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("username")
	if !validName(name) {
		http.Error(w, "username: give 1 to 64 printable ASCII characters", http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // the demonstration is read by HTTP as well, so it is not Secure
		Name: session, Value: url.QueryEscape(name), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, "/productpage", http.StatusSeeOther)
}

func signOut(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: session, Path: "/", MaxAge: -1}) //nolint:gosec // it holds nothing
	http.Redirect(w, r, "/productpage", http.StatusSeeOther)
}

// validName reports whether name can be the value of a header.
func validName(name string) bool {
	for _, c := range []byte(name) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}
