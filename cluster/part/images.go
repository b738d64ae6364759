// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	_ "embed"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"weir.dev/weir/cluster/image"
)

// imagesText is part of the digest of every image, so that a changed recipe makes a new image.
//
//go:embed images.go
var imagesText string

// imageFormat is raised when package image packs the same files in another way.
const imageFormat = "1"

// searchPath is what a container's PATH is by custom.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// istioUser is the uid and gid of every process of Istio's data plane. Its iptables rules let traffic of this user
// pass the proxy, so it must not be another.
const istioUser = 1337

func imageRecipe(name string, spec func(*job) (image.Spec, error), needs ...string) recipe {
	r := recipe{
		Part:   Part{Name: name + "-image", Version: imageTag(name), Source: "packed of " + strings.Join(needs, ", ")},
		inputs: []string{imagesText, imageFormat},
		needs:  needs,
	}
	if name == "proxyv2" {
		r.Source += " and this machine's iptables, C library and certificates"
		r.host = hostInputs
	}
	r.make = func(_ context.Context, j *job) error {
		j.report.step("pack", 0)
		made, err := spec(j)
		if err != nil {
			return err
		}
		made.Tag = ImageRef(name)
		return image.Build(made, filepath.Join(j.dir, "images", name+".tar"))
	}
	return r
}

// imageTag is the version of the program that the image is for.
func imageTag(name string) string {
	switch name {
	case "coredns":
		return strings.TrimPrefix(moduleVersion("kubernetes", "github.com/coredns/coredns"), "v")
	case "prometheus":
		return prometheusVersion(moduleVersion("kubernetes", "github.com/prometheus/prometheus"))
	case "pilot", "proxyv2":
		return istioTag()
	default:
		return "1"
	}
}

func pauseImage(j *job) (image.Spec, error) {
	return image.Spec{
		Entrypoint: []string{"/pause"},
		User:       "65535:65535",
		Files:      []image.File{{Path: "/pause", Source: j.bin("pause", "pause")}},
	}, nil
}

func coreDNSImage(j *job) (image.Spec, error) {
	return image.Spec{
		Entrypoint: []string{"/coredns"},
		Files:      []image.File{{Path: "/coredns", Source: j.bin("coredns", "coredns")}},
	}, nil
}

func prometheusImage(j *job) (image.Spec, error) {
	const nobody = 65534
	return image.Spec{
		Entrypoint: []string{"/bin/prometheus"},
		Env:        []string{searchPath},
		User:       "65534:65534",
		WorkDir:    "/prometheus",
		Files: []image.File{
			{Path: "/bin/prometheus", Source: j.bin("prometheus", "prometheus")},
			{Path: "/prometheus", Mode: fs.ModeDir | 0o755, UID: nobody, GID: nobody},
			{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		},
	}, nil
}

func pilotImage(j *job) (image.Spec, error) {
	return image.Spec{
		Entrypoint: []string{"/usr/local/bin/pilot-discovery"},
		Env:        []string{searchPath},
		User:       "1337:1337",
		Files: []image.File{
			{Path: "/usr/local/bin/pilot-discovery", Source: j.bin("istio", "pilot-discovery")},
			{Path: "/etc/passwd", Data: []byte(accounts)},
			{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		},
	}, nil
}

const (
	accounts = "root:x:0:0:root:/root:/sbin/nologin\nistio-proxy:x:1337:1337:istio-proxy:/var/lib/istio:/sbin/nologin\n"
	groups   = "root:x:0:\nistio-proxy:x:1337:\n"
)

// proxyImage holds what a sidecar runs and what sets up its redirection before it.
func proxyImage(j *job) (image.Spec, error) {
	const bootstrap = "envoy_bootstrap_tmpl.json"
	host, err := hostFiles()
	if err != nil {
		return image.Spec{}, err
	}
	files := slices.Concat(host, []image.File{
		{Path: "/usr/local/bin/pilot-agent", Source: j.bin("istio", "pilot-agent")},
		{Path: "/usr/local/bin/envoy", Source: j.bin("envoy", "envoy")},
		{Path: "/var/lib/istio/envoy/" + bootstrap, Source: filepath.Join(j.needs["charts"], "envoy", bootstrap)},
		{Path: "/var/lib/istio/data", Mode: fs.ModeDir | 0o755, UID: istioUser, GID: istioUser},
		{Path: "/etc/istio/proxy", Mode: fs.ModeDir | 0o755, UID: istioUser, GID: istioUser},
		{Path: "/etc/passwd", Data: []byte(accounts)},
		{Path: "/etc/group", Data: []byte(groups)},
		{Path: "/etc/nsswitch.conf", Data: []byte("hosts: files dns\n")},
		{Path: "/run", Mode: fs.ModeDir | 0o755},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
	})
	return image.Spec{
		Entrypoint: []string{"/usr/local/bin/pilot-agent"},
		Env:        []string{searchPath, "ISTIO_META_ISTIO_PROXY_SHA=envoy:" + envoyVersion},
		User:       "1337:1337",
		Files:      files,
	}, nil
}
