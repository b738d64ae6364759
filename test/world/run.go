// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/test/apiserver"
)

// Run runs the tests of a package against an API server of their own, once prepare has made it ready, and returns the exit
// code. What prepare starts ends with the context.
func Run(m *testing.M, prepare func(context.Context, *rest.Config, client.WithWatch) error) (code int) {
	debug.SetGCPercent(400) // as with the API server
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config, stop, err := apiserver.Start(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		cancel() // the API server waits for a minute for who still watches
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	c, err := NewClient(config)
	if err == nil {
		err = prepare(ctx, config, c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
