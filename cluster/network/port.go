// SPDX-License-Identifier: Apache-2.0

package network

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Loopback is the host's side of every route.
const Loopback = "127.0.0.1"

// Local returns a port as an address on the host's loopback.
func Local(port int) string { return net.JoinHostPort(Loopback, strconv.Itoa(port)) }

// ClaimPort checks that a loopback port is free, or picks a free one if port is 0. Flag names the way to choose
// another in the error.
func ClaimPort(port int, flag string) (int, error) {
	listener, err := net.Listen("tcp", Local(port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return 0, fmt.Errorf("port %d of %s is taken by another program: choose another with %s, or %s=0 for a free one",
			port, Loopback, flag, flag)
	}
	if err != nil {
		return 0, fmt.Errorf("listen on port %d (%s): %w", port, flag, err)
	}
	defer listener.Close()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("listen on port %d (%s): %s is no address of TCP", port, flag, listener.Addr())
	}
	return address.Port, nil
}
