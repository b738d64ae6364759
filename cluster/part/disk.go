// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// What a cold build leaves behind, in GiB and rounded up: the parts themselves, Go's compiled packages with room for
// the linker's temporary files, and the downloaded modules.
const (
	partsSpace   = 2
	compileSpace = 5
	moduleSpace  = 3
)

const gib = 1 << 30

// checkDisk fails if Go is missing, or if most programs must still be compiled and a file system that takes a share of
// that is too full for it.
func (p plan) checkDisk(ctx context.Context) error {
	folders, err := goFolders(ctx)
	if err != nil {
		return err
	}
	if kubernetes, chosen := p.parts["kubernetes"]; !chosen || exists(kubernetes) {
		return nil
	}
	needed := map[uint64]uint64{}
	for folder, space := range map[string]uint64{
		p.cache: partsSpace, folders[0]: compileSpace, folders[1]: moduleSpace,
	} {
		device, free, err := freeSpace(folder)
		if err != nil {
			return err
		}
		needed[device] += space
		if free < needed[device]*gib {
			return fmt.Errorf("the disk that holds %s has %.1f GiB free, but building the parts takes about %d GiB "+
				"there: make room, or move WEIR_CACHE, GOCACHE and GOMODCACHE to a larger disk",
				folder, float64(free)/gib, needed[device])
		}
	}
	return nil
}

// goFolders returns the folders of Go's compiled packages and of its modules.
func goFolders(ctx context.Context) ([2]string, error) {
	var lines []string
	where := command{
		env: environ(), args: []string{"go", "env", "GOCACHE", "GOMODCACHE"}, log: io.Discard,
		out: func(line string) { lines = append(lines, strings.TrimSpace(line)) },
	}
	if err := where.run(ctx); err != nil {
		return [2]string{}, fmt.Errorf("%w\nThe parts are compiled with Go 1.26 or newer: install it, and see that go "+
			"is in the PATH", err)
	}
	if len(lines) != 2 {
		return [2]string{}, fmt.Errorf("go env answered %d lines, 2 were expected", len(lines))
	}
	return [2]string(lines), nil
}

// freeSpace returns the file system of the nearest existing parent of a folder, and its free bytes.
func freeSpace(folder string) (device, free uint64, err error) {
	for !exists(folder) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
	}
	info, err := os.Stat(folder)
	if err != nil {
		return 0, 0, err
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
	known, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("device of %s: the system does not tell", folder)
	}
	return known.Dev, stat.Bavail * uint64(stat.Bsize), nil
}
