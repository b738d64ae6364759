// SPDX-License-Identifier: Apache-2.0

// Package network furnishes the network namespace of a cluster and carries connections between it and the host's
// loopback. No packet, address, route or firewall rule of the host takes part: a forwarder with a socket on each side does.
package network

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Every cluster has a network of its own, so all of them use the same addresses.
const (
	// NodeIP is the node's address.
	NodeIP = "10.44.0.1"
	// PodCIDR and ServiceCIDR are the ranges of pods and services.
	PodCIDR     = "10.45.0.0/16"
	ServiceCIDR = "10.96.0.0/16"
	// APIServiceIP and DNSServiceIP are the services that have an address by convention.
	APIServiceIP = "10.96.0.1"
	DNSServiceIP = "10.96.0.10"
)

const (
	nodeLink = "node0"
	peerLink = "node0-peer"
)

// Configure gives the calling thread's network namespace its interfaces, addresses, routes and settings. It may be
// repeated.
func Configure() error {
	if err := linkUp("lo"); err != nil {
		return err
	}
	if err := createNodeLink(); err != nil {
		return fmt.Errorf("create interface %s: %w", nodeLink, err)
	}
	if err := addRoutes(); err != nil {
		return err
	}
	return writeSettings(map[string]string{
		"/proc/sys/net/ipv4/ip_forward":                 "1",
		"/proc/sys/net/ipv4/conf/all/rp_filter":         "0",
		"/proc/sys/net/bridge/bridge-nf-call-iptables":  "1",
		"/proc/sys/net/bridge/bridge-nf-call-ip6tables": "0",
	})
}

func linkUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	return netlink.LinkSetUp(link)
}

// createNodeLink makes a pair whose both ends stay in the namespace: an interface that is always up and leads nowhere.
func createNodeLink() error {
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: nodeLink}, PeerName: peerLink}
	if err := netlink.LinkAdd(pair); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	for _, name := range []string{nodeLink, peerLink} {
		if err := linkUp(name); err != nil {
			return err
		}
	}
	link, err := netlink.LinkByName(nodeLink)
	if err != nil {
		return err
	}
	address, err := netlink.ParseAddr(NodeIP + "/24")
	if err != nil {
		return err
	}
	return netlink.AddrReplace(link, address)
}

// addRoutes lets the node reach services, whose addresses are rewritten after routing, and refuses everything else at
// once: nothing outside can be reached, and waiting for it would only hide that.
func addRoutes() error {
	link, err := netlink.LinkByName(nodeLink)
	if err != nil {
		return err
	}
	_, services, err := net.ParseCIDR(ServiceCIDR)
	if err != nil {
		return err
	}
	toServices := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: services, Src: net.ParseIP(NodeIP)}
	if err := netlink.RouteReplace(toServices); err != nil {
		return fmt.Errorf("add route to %s: %w", ServiceCIDR, err)
	}
	_, anywhere, _ := net.ParseCIDR("0.0.0.0/0")
	nowhere := &netlink.Route{Dst: anywhere, Type: unix.RTN_UNREACHABLE}
	if err := netlink.RouteReplace(nowhere); err != nil {
		return fmt.Errorf("add unreachable default route: %w", err)
	}
	return nil
}

func writeSettings(settings map[string]string) error {
	for path, value := range settings {
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return fmt.Errorf("set %s to %s: %w", path, value, err)
		}
	}
	return nil
}
