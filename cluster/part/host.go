// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// hostPackages are the Debian packages that the node needs, each with files of which one is there when it is
// installed.
var hostPackages = map[string][]string{
	"runc":                        {"/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc", "/usr/local/bin/runc"},
	"containernetworking-plugins": {"/usr/lib/cni/bridge", "/opt/cni/bin/bridge"},
	"iptables":                    {"/usr/sbin/xtables-nft-multi", "/sbin/xtables-nft-multi"},
	"conntrack":                   {"/usr/sbin/conntrack", "/usr/bin/conntrack"},
	"iproute2":                    {"/usr/sbin/ip", "/usr/bin/ip", "/sbin/ip", "/bin/ip"},
	"mount":                       {"/usr/bin/mount", "/bin/mount"},
	"util-linux":                  {"/usr/bin/nsenter", "/bin/nsenter"},
}

// MissingPackages names the Debian packages that the node needs and this machine lacks, in alphabetical order.
func MissingPackages() []string {
	var missing []string
	for _, name := range sortedKeys(hostPackages) {
		if !slices.ContainsFunc(hostPackages[name], exists) {
			missing = append(missing, name)
		}
	}
	return missing
}

// ensureHost installs what the machine lacks, if a part is chosen that takes files from it or runs on the node.
func ensureHost(ctx context.Context, chosen []recipe, report *reporter) error {
	needed := slices.ContainsFunc(chosen, func(r recipe) bool { return r.host != nil || r.Name == "containerd" })
	missing := MissingPackages()
	if !needed || len(missing) == 0 {
		return nil
	}
	install := append([]string{"apt-get", "install", "-y", "--no-install-recommends"}, missing...)
	advice := "apt-get update && " + strings.Join(install, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("the node needs what Debian packages as %s: install that by this system's own means",
			strings.Join(missing, ", "))
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("the node needs the packages %s: run as root: %s", strings.Join(missing, ", "), advice)
	}
	if err := installPackages(ctx, install, report); err != nil {
		return fmt.Errorf("install the packages that the node needs: %w\nTry it by hand: %s", err, advice)
	}
	if missing = MissingPackages(); len(missing) > 0 {
		return fmt.Errorf("apt-get has installed %s, but not where it is looked for", strings.Join(missing, ", "))
	}
	return nil
}

func installPackages(ctx context.Context, install []string, report *reporter) error {
	j := &job{log: io.Discard, report: report}
	report.begin(Event{Part: "host", Step: "install " + strings.Join(install[4:], ", ")})
	for _, args := range [][]string{{"apt-get", "update"}, install} {
		run := command{
			env: environ("DEBIAN_FRONTEND=noninteractive"), args: args, log: io.Discard,
			line: func(line string) { report.progress(0, line) },
		}
		if err := j.retry(ctx, strings.Join(args, " "), func() error { return run.run(ctx) }); err != nil {
			return err
		}
	}
	return nil
}
