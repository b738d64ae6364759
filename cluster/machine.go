// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"weir.dev/weir/cluster/network"
	"weir.dev/weir/cluster/process"
)

func mustBeRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("a local cluster needs namespaces, mounts and cgroups of its own, which only root may make: " +
			"run the command with sudo")
	}
	return nil
}

// checkMachine finds out what would fail later with a message that helps nobody.
func (b *builder) checkMachine(context.Context, func(string)) error {
	if missing := b.enclave.MissingControllers(); len(missing) > 0 {
		return fmt.Errorf("the kernel offers no cgroup controller %s: enable it (on some boards with cgroup_enable=memory on "+
			"the kernel's command line)", strings.Join(missing, ", "))
	}
	if err := b.checkDisk(); err != nil {
		return err
	}
	if err := b.enclave.CheckKernel(network.CheckKernel); err != nil {
		return err
	}
	return b.choosePorts()
}

func (b *builder) root() string { return filepath.Dir(string(b.dir)) }

// neededBytes is what images, containers, logs and the database of a small mesh take.
const neededBytes = 2 << 30

func (b *builder) checkDisk() error {
	if b.config.Complete {
		return nil
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(string(b.dir), &fs); err != nil {
		return fmt.Errorf("%s: %w", b.dir, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < neededBytes {
		return fmt.Errorf("%s has %d MiB free, a cluster needs %d: make room, or name another folder with --state-dir",
			b.dir, free>>20, neededBytes>>20)
	}
	return nil
}

// choosePorts decides on the three ports. Those of a running forwarder are taken by ourselves and stay.
func (b *builder) choosePorts() error {
	_, running := process.Find(b.dir.Run(), forwarder)
	for _, port := range []struct {
		flag          string
		wanted, usual int
		current       *int
	}{
		{"--api-port", b.options.APIPort, DefaultAPIPort, &b.config.APIPort},
		{"--gateway-port", b.options.GatewayPort, DefaultGatewayPort, &b.config.GatewayPort},
		{"--prometheus-port", b.options.PrometheusPort, DefaultPrometheusPort, &b.config.PrometheusPort},
	} {
		chosen := resolvePort(port.wanted, port.usual, *port.current, b.config.Name == DefaultName)
		if running && chosen == *port.current {
			continue
		}
		claimed, err := network.ClaimPort(chosen, port.flag)
		if err != nil {
			return err
		}
		*port.current = claimed
	}
	return b.dir.Save(b.config)
}

// resolvePort returns the port to claim, 0 for a free one. A cluster that has a port keeps it unless another is asked for.
func resolvePort(wanted, usual, current int, isDefault bool) int {
	switch {
	case wanted > 0:
		return wanted
	case current > 0:
		return current
	case wanted == Automatic && isDefault:
		return usual
	default:
		return 0
	}
}
