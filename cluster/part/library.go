// SPDX-License-Identifier: Apache-2.0

package part

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"weir.dev/weir/cluster/image"
)

// The programs of iptables are two files that act by the name they are called by.
const (
	nftTables    = "xtables-nft-multi"
	legacyTables = "xtables-legacy-multi"
)

// triplet names this machine's architecture in the paths of Debian and its kin.
var triplet = map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[hostArch]

// libraryFolders is where the loader of a Linux distribution looks for shared libraries.
var libraryFolders = []string{"/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// tableModules is where iptables keeps the matches and targets that it loads by name.
var tableModules = []string{"/usr/lib/" + triplet + "/xtables", "/usr/lib64/xtables", "/usr/lib/xtables"}

// envoyLibraries are what Envoy is linked to, and what the C library loads by name to resolve a host.
var envoyLibraries = []string{
	"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2", "libnss_dns.so.2",
	"libnss_files.so.2",
}

// hostFiles are what the proxy's image takes from this machine: iptables in both variants with what it loads, the C
// library for Envoy, and the certificates of public authorities.
func hostFiles() ([]image.File, error) {
	l := linked{}
	for _, name := range []string{nftTables, legacyTables} {
		program, err := findFile(name, "/usr/sbin", "/sbin")
		if err != nil {
			return nil, fmt.Errorf("%w (it comes with the package iptables)", err)
		}
		if err := l.add(program); err != nil {
			return nil, err
		}
	}
	for _, name := range envoyLibraries {
		if library, err := findFile(name, libraryFolders...); err == nil {
			if err := l.add(library); err != nil {
				return nil, err
			}
		}
	}
	l.addModules()
	files := append(l.files(), tableLinks()...)
	return append(files, authorities()...), nil
}

// authorities are the certificates that this machine trusts, if it has them where Debian does: the agent hands them to
// Envoy for calls to hosts outside the mesh.
func authorities() []image.File {
	const bundle = "/etc/ssl/certs/ca-certificates.crt"
	if !exists(bundle) {
		return nil
	}
	return []image.File{{Path: bundle, Source: bundle, Mode: 0o644}}
}

// hostInputs is the content of all host files, so that an update of the machine's packages makes a new image.
func hostInputs() ([]string, error) {
	files, err := hostFiles()
	if err != nil {
		return nil, err
	}
	var inputs []string
	for _, file := range files {
		sum := ""
		if file.Source != "" {
			if sum, err = fileDigest(file.Source); err != nil {
				return nil, err
			}
		}
		inputs = append(inputs, file.Path, file.Link, sum)
	}
	return inputs, nil
}

// tableLinks are the names that istio-init calls. The plain names mean the legacy variant, because istio-init tries
// the nft one by its full name first, and falls back to the plain name on kernels without it.
func tableLinks() []image.File {
	var links []image.File
	for _, family := range []string{"iptables", "ip6tables"} {
		for _, verb := range []string{"", "-save", "-restore"} {
			name := "/usr/sbin/" + family
			links = append(links,
				image.File{Path: name + verb, Link: legacyTables},
				image.File{Path: name + "-legacy" + verb, Link: legacyTables},
				image.File{Path: name + "-nft" + verb, Link: nftTables})
		}
	}
	return links
}

// linked is a set of ELF files with the libraries that they need, by their path in the image.
type linked map[string]string

// add takes a program or library with all it needs. The path in the image is the one given, links resolved only for
// the content, since that is where the loader will look for it.
func (l linked) add(path string) error {
	if _, known := l[path]; known {
		return nil
	}
	needs, err := neededBy(path)
	if err != nil {
		return err
	}
	l[path] = path
	for _, need := range needs {
		if err := l.add(need); err != nil {
			return err
		}
	}
	return nil
}

// addModules takes those modules of iptables whose own libraries are all there.
func (l linked) addModules() {
	for _, folder := range tableModules {
		modules, _ := filepath.Glob(folder + "/*.so") // the patterns are constants and well formed
		for _, module := range modules {
			if err := l.add(module); err != nil {
				delete(l, module)
			}
		}
	}
}

func (l linked) files() []image.File {
	var files []image.File
	for _, path := range sortedKeys(l) {
		files = append(files, image.File{Path: path, Source: l[path], Mode: 0o755})
	}
	return files
}

// neededBy returns the paths of the loader and of the libraries that an ELF file names.
func neededBy(path string) ([]string, error) {
	binary, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer binary.Close()
	names, err := binary.ImportedLibraries()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var needs []string
	if loader := interpreter(binary); loader != "" {
		needs = append(needs, loader)
	}
	for _, name := range names {
		library, err := findFile(name, libraryFolders...)
		if err != nil {
			return nil, fmt.Errorf("%s needs %w", path, err)
		}
		needs = append(needs, library)
	}
	return needs, nil
}

// interpreter is the loader that the kernel starts for a dynamic program, or empty.
func interpreter(binary *elf.File) string {
	for _, segment := range binary.Progs {
		if segment.Type == elf.PT_INTERP {
			name, err := io.ReadAll(segment.Open())
			if err == nil && len(name) > 1 {
				return string(name[:len(name)-1])
			}
		}
	}
	return ""
}

// findFile looks for a name in the folders, in their order.
func findFile(name string, folders ...string) (string, error) {
	for _, folder := range folders {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s, which is not on this machine", name)
}

func fileDigest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
