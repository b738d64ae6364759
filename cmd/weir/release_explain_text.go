// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"weir.dev/weir/internal/plan/lookup"
)

// text tells the explanation to a person.
func (e explanation) text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", asked(e.Request))
	t := columns(w)
	for _, s := range e.Shares {
		fmt.Fprintf(t, "%g %%\tto %s\t%s\n", s.Percent, e.place(s), stays(s))
	}
	for _, s := range e.Copies {
		fmt.Fprintf(t, "%g %%\tcopied to %s\t%s\n", s.Percent, e.place(s), "its answers are thrown away")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, n := range e.Notes {
		fmt.Fprintln(w, n)
	}
	if e.Route.Field != "" {
		fmt.Fprintf(w, "\nBecause of %s:\n  %s\n", routeWords(e.Route), strings.Join(e.Route.Because, "\n  "))
	}
	for i, b := range e.Before {
		if i == 0 {
			fmt.Fprintln(w, "\nAsked before, and not taken:")
		}
		fmt.Fprintf(w, "  %s\n    %s\n", routeWords(b), strings.Join(b.Because, "\n    or "))
	}
	if e.Release != "" {
		fmt.Fprintf(w, "\nRelease %s is under way: %s.\n", e.Release, e.Callers)
	}
	return nil
}

// asked is the request in one line.
func asked(r lookup.Request) string {
	to := fmt.Sprintf("%s:%d", r.Host, r.Port)
	if r.Outside {
		to = r.Host + ", at the gateway"
	}
	if r.Stream {
		return "A connection to " + to
	}
	return fmt.Sprintf("%s %s to %s", r.Method, r.Path, to)
}

// place is a version; with its component when that is another one, and its port when that is not the one asked for.
func (e explanation) place(s lookup.Share) string {
	out := cmp.Or(s.Version, "any version")
	if name, _, _ := strings.Cut(s.Host, "."); name != e.Component {
		out = name + " " + out
	}
	if s.Port != 0 && s.Port != e.Request.Port {
		out += fmt.Sprintf(" at port %d", s.Port)
	}
	return out
}

func stays(s lookup.Share) string {
	if s.Cookie == "" {
		return ""
	}
	return "sets the cookie " + s.Cookie
}

func routeWords(t lookup.Tried) string {
	out := fmt.Sprintf("VirtualService %s, %s", t.VirtualService, t.Field)
	if t.Name != "" {
		out += " (" + t.Name + ")"
	}
	return out
}
