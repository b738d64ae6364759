// SPDX-License-Identifier: Apache-2.0

//go:build api

package mutation_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// listener keeps the errors that controllers log, by the namespace they are about.
type listener struct {
	mu     sync.Mutex
	errors map[string][]string
}

func (l *listener) logger() logr.Logger {
	return funcr.New(func(_, line string) {
		if !strings.Contains(line, `"error"=`) {
			return
		}
		_, rest, found := strings.Cut(line, `"namespace"="`)
		namespace, _, _ := strings.Cut(rest, `"`)
		if !found {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.errors[namespace] = append(l.errors[namespace], line)
	}, funcr.Options{})
}

// about are the errors of a namespace.
func (l *listener) about(namespace string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.errors[namespace])
}

// panicked finds one that should never be.
func panicked(errors []string) error {
	for _, line := range errors {
		if strings.Contains(line, "panic") {
			return fmt.Errorf("a controller panicked: %s", line)
		}
	}
	return nil
}
