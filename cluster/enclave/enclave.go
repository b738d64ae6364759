// SPDX-License-Identifier: Apache-2.0

// Package enclave holds the kernel's side of a cluster: one network namespace, one mount namespace and one cgroup in
// every hierarchy, in which each of its processes runs. Whatever a cluster starts or mounts can be found and ended by
// them alone, whoever its parent is by then.
package enclave

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Enclave names the kernel objects of one cluster. The zero value is of no use; see New.
type Enclave struct {
	name   string
	dir    string
	groups []hierarchy
}

// The main thread may never be the one that changes namespaces: it can't end, and /proc/self speaks of it.
func init() { runtime.LockOSThread() }

// Where named network namespaces are found by ip-netns(8) and nsenter(1).
const netnsDir = "/run/netns"

// New returns the enclave of a cluster; nothing is created yet. Dir is a folder of its own for the mount namespace's
// handle, and outlives the enclave.
func New(name, dir string) (*Enclave, error) {
	groups, err := hierarchies()
	if err != nil {
		return nil, err
	}
	return &Enclave{name: name, dir: dir, groups: groups}, nil
}

// NetNS is the path under which the network namespace can be entered.
func (e *Enclave) NetNS() string { return filepath.Join(netnsDir, "weir-"+e.name) }

// MountNS is the path under which the mount namespace can be entered.
func (e *Enclave) MountNS() string { return filepath.Join(e.dir, "mnt") }

// Exists says whether both namespaces are there.
func (e *Enclave) Exists() bool { return isNamespace(e.NetNS()) && isNamespace(e.MountNS()) }

// Any says whether there is an enclave of any cluster on this machine.
func Any() bool {
	found, _ := filepath.Glob(filepath.Join(netnsDir, "weir-*")) // the pattern is correct
	return len(found) > 0
}

// Create makes what is not there yet. Private are folders of the host that the cluster's processes see, each with a
// folder of the state instead: the key is the host's path, the value what stands there inside, or "" for an empty
// one in memory.
func (e *Enclave) Create(private map[string]string) error {
	if err := e.createGroups(); err != nil {
		return err
	}
	if !isNamespace(e.NetNS()) {
		if err := e.createNetNS(); err != nil {
			return fmt.Errorf("create network namespace %s: %w", e.NetNS(), err)
		}
	}
	if !isNamespace(e.MountNS()) {
		if err := e.createMountNS(private); err != nil {
			return fmt.Errorf("create mount namespace %s: %w", e.MountNS(), err)
		}
	}
	return nil
}

func (e *Enclave) createNetNS() error {
	if err := os.MkdirAll(netnsDir, 0o755); err != nil {
		return err
	}
	return onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		return pin(threadNamespace("net"), e.NetNS())
	})
}

// createMountNS binds the new namespace's handle from a thread that stayed outside, below a private mount: the kernel
// keeps no handle of a mount namespace inside itself, nor below a mount that is shared with it.
func (e *Enclave) createMountNS(private map[string]string) error {
	if err := e.mountHandleDir(); err != nil {
		return err
	}
	made, pinned := make(chan string), make(chan struct{})
	result := make(chan error, 1)
	go func() {
		result <- onOwnThread(func() error {
			defer close(made)
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return err
			}
			if err := furnish(private); err != nil {
				return err
			}
			made <- threadNamespace("mnt")
			<-pinned
			return nil
		})
	}()
	var pinErr error
	if thread, ok := <-made; ok {
		pinErr = pin(thread, e.MountNS())
		close(pinned)
	}
	return errors.Join(<-result, pinErr)
}

func (e *Enclave) mountHandleDir() error {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	if mounted, err := isMountPoint(e.dir); err != nil || mounted {
		return err
	}
	if err := unix.Mount("weir", e.dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		return fmt.Errorf("mount tmpfs on %s: %w", e.dir, err)
	}
	return unix.Mount("", e.dir, "", unix.MS_PRIVATE, "")
}

// furnish makes mounts of the host arrive but none go back, and lays the private folders over the host's.
func furnish(private map[string]string) error {
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("share mounts inside: %w", err)
	}
	for target, source := range private {
		if err := cover(target, source); err != nil {
			return fmt.Errorf("mount over %s: %w", target, err)
		}
	}
	return nil
}

func cover(target, source string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if source == "" {
		if err := unix.Mount("weir", target, "tmpfs", 0, "mode=755"); err != nil {
			return err
		}
	} else {
		if err := os.MkdirAll(source, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	return unix.Mount("", target, "", unix.MS_SHARED, "")
}

// Enter moves the calling thread, which must be locked, into the namespaces and the v1 cgroups. A process it starts
// is born there; for cgroup v2 it has to be started with the returned descriptor (-1 if there is none).
func (e *Enclave) Enter() (cgroupFD int, err error) {
	fd, err := e.EnterCgroup()
	if err != nil {
		return -1, err
	}
	// Network first: its handle is hidden inside the mount namespace.
	if err := setns(e.NetNS(), unix.CLONE_NEWNET); err != nil {
		return -1, err
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return -1, fmt.Errorf("unshare file system attributes: %w", err)
	}
	return fd, setns(e.MountNS(), unix.CLONE_NEWNS)
}

// Inside runs f on a thread of its own in the network namespace. Sockets made by f stay in that namespace.
func (e *Enclave) Inside(f func() error) error { return InNetNS(e.NetNS(), f) }

// InNetNS does the same in the network namespace that the file at the path is a handle of.
func InNetNS(path string, f func() error) error {
	return onOwnThread(func() error {
		if err := setns(path, unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// CheckKernel tries whether namespaces and overlay mounts can be made, and runs network in a network namespace of its
// own, which is gone afterwards.
func (e *Enclave) CheckKernel(network func() error) error {
	if e.Exists() {
		return nil
	}
	loadModules("overlay", "br_netfilter")
	filesystems, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err
	}
	if !strings.Contains(string(filesystems), "\toverlay\n") {
		return errors.New("the kernel does not support overlay mounts: load or enable the module overlay")
	}
	return onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("the kernel refuses a network namespace: %w; in a container, run it privileged", err)
		}
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("the kernel refuses a mount namespace: %w; in a container, run it privileged", err)
		}
		return network()
	})
}

// loadModules loads what the kernel would not load by itself. Where it is built in, or modprobe is missing, that fails,
// and the check that follows tells whether it matters.
func loadModules(names ...string) {
	for _, name := range names {
		_ = exec.Command("modprobe", "--quiet", name).Run()
	}
}

// Destroy kills every process of the enclave and removes its cgroups and namespaces. It succeeds if nothing is there.
func (e *Enclave) Destroy() error {
	if err := e.Kill(); err != nil {
		return err
	}
	if err := e.removeGroups(); err != nil {
		return err
	}
	if err := unpin(e.NetNS()); err != nil {
		return err
	}
	_ = os.Remove(netnsDir) // ours only if it is empty
	if err := unpin(e.MountNS()); err != nil {
		return err
	}
	if mounted, err := isMountPoint(e.dir); err != nil || !mounted {
		return err
	}
	return unix.Unmount(e.dir, unix.MNT_DETACH)
}

// onOwnThread runs f on a thread that ends with it, since its namespaces must not leak to other goroutines.
func onOwnThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		result <- f()
	}()
	return <-result
}

func threadNamespace(kind string) string {
	return fmt.Sprintf("/proc/self/task/%d/ns/%s", unix.Gettid(), kind)
}
