// SPDX-License-Identifier: Apache-2.0

package network

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"
)

// CheckKernel tries, in the calling thread's network namespace, what a node needs of the kernel, and fails with the
// first thing that is missing. The namespace is to be thrown away afterwards.
func CheckKernel() error {
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "try0"}, PeerName: "try1"}
	if err := netlink.LinkAdd(pair); err != nil {
		return missing("pairs of virtual interfaces", "veth", err)
	}
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "trybr"}}); err != nil {
		return missing("bridges", "bridge", err)
	}
	if _, err := os.Stat("/proc/sys/net/bridge/bridge-nf-call-iptables"); err != nil {
		return missing("filtering on bridges", "br_netfilter", err)
	}
	return checkRules()
}

// checkRules adds one rule of each kind that kube-proxy and Istio's sidecars add.
func checkRules() error {
	if _, err := exec.LookPath("iptables"); err != nil {
		return nil //nolint:nilerr // a package that is missing is not the kernel's fault, and is installed later
	}
	rules := []string{
		"-t nat -A POSTROUTING -m mark --mark 1 -j MASQUERADE",
		"-t nat -A OUTPUT -p tcp -m owner --uid-owner 1337 -j REDIRECT --to-ports 15001",
		"-t nat -A PREROUTING -m statistic --mode random --probability 0.5 -j ACCEPT",
		"-t nat -A PREROUTING -p tcp -m addrtype --dst-type LOCAL -j DNAT --to-destination 10.0.0.1:80",
		"-t filter -A FORWARD -m conntrack --ctstate INVALID -m comment --comment try -j DROP",
	}
	for _, rule := range rules {
		command := exec.Command("iptables", append([]string{"-w"}, strings.Fields(rule)...)...)
		if output, err := command.CombinedOutput(); err != nil {
			return missing("the rule: iptables "+rule, "nf_nat, nf_conntrack, nft_compat and the xt_ modules",
				errors.New(strings.TrimSpace(string(output))))
		}
	}
	return nil
}

func missing(what, module string, err error) error {
	return fmt.Errorf("the kernel does not support %s: load or enable %s (%w)", what, module, err)
}
