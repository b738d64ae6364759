// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"strings"
)

// recipe makes one part. It is deterministic: what it makes follows from its digest.
type recipe struct {
	Part
	// inputs are all things besides the name and version that change the result.
	inputs []string
	// host, if set, adds what the result takes from this machine.
	host func() ([]string, error)
	// needs are the parts whose results it reads.
	needs []string
	// make writes the result into job.dir.
	make func(context.Context, *job) error
}

// recipes lists all parts, those that others need first, and within that those first which fail early.
func recipes() []recipe {
	return []recipe{
		envoyRecipe(),
		chartsRecipe(),
		pauseBuild().recipe("pause", ""),
		kubernetesBuild().recipe("kubernetes", "k8s.io/kubernetes"),
		containerdBuild().recipe("containerd", "github.com/containerd/containerd/v2"),
		istioBuild().recipe("istio", "istio.io/istio"),
		coreDNSBuild().recipe("coredns", "github.com/coredns/coredns"),
		prometheusBuild().recipe("prometheus", "github.com/prometheus/prometheus"),
		imageRecipe("pause", pauseImage, "pause"),
		imageRecipe("coredns", coreDNSImage, "coredns"),
		imageRecipe("pilot", pilotImage, "istio"),
		imageRecipe("proxyv2", proxyImage, "istio", "charts", "envoy"),
		imageRecipe("prometheus", prometheusImage, "prometheus"),
	}
}

// groupTags are the build tags of all programs of a group. They are the same for all, though only one of them asks for
// each, so that what the programs share is compiled once: vtprotobuf and disable_pgv are Istio's own, the others keep
// the libraries of every cloud out of Prometheus.
var groupTags = map[string][]string{
	"kubernetes": {"vtprotobuf", "disable_pgv", "remove_all_sd", "enable_kubernetes_sd"},
}

// kubernetesBuild is one program that acts by the name it is called by, which saves two thirds of the space.
func kubernetesBuild() goBuild {
	version := strings.TrimPrefix(moduleVersion("kubernetes", "k8s.io/kubernetes"), "v")
	fields := strings.Split(version, ".")
	var stamps []string
	for _, library := range []string{"k8s.io/component-base/version.", "k8s.io/client-go/pkg/version."} {
		stamps = append(stamps, library+"gitVersion=v"+version, library+"gitMajor="+fields[0],
			library+"gitMinor="+fields[1], library+"gitTreeState=clean")
	}
	return goBuild{
		group: "kubernetes", packages: []string{"./kubernetes"}, stamps: stamps, links: map[string]string{
			"etcd":                    "kubernetes",
			"kube-apiserver":          "kubernetes",
			"kube-controller-manager": "kubernetes",
			"kube-proxy":              "kubernetes",
			"kube-scheduler":          "kubernetes",
			"kubectl":                 "kubernetes",
			"kubelet":                 "kubernetes",
		},
	}
}

func containerdBuild() goBuild {
	const module = "github.com/containerd/containerd/v2"
	version := strings.TrimPrefix(moduleVersion("containerd", module), "v")
	return goBuild{
		group:    "containerd",
		packages: []string{module + "/cmd/containerd", module + "/cmd/containerd-shim-runc-v2", module + "/cmd/ctr"},
		stamps:   []string{module + "/version.Version=" + version, module + "/version.Package=" + module},
	}
}

func istioBuild() goBuild {
	const library = "istio.io/istio/pkg/version."
	tag := istioTag()
	commit := tag[strings.LastIndex(tag, ".")+1:]
	return goBuild{
		group:    "kubernetes",
		packages: []string{"istio.io/istio/pilot/cmd/pilot-agent", "istio.io/istio/pilot/cmd/pilot-discovery"},
		stamps: []string{library + "buildVersion=" + tag, library + "buildTag=" + tag, library + "buildHub=" + Hub,
			library + "buildGitRevision=" + commit, library + "buildStatus=Clean"},
	}
}

// coreDNSBuild has no stamps: CoreDNS says its release by itself.
func coreDNSBuild() goBuild {
	return goBuild{group: "kubernetes", packages: []string{"./coredns"}}
}

func prometheusBuild() goBuild {
	const module = "github.com/prometheus/prometheus"
	version := prometheusVersion(moduleVersion("kubernetes", module))
	return goBuild{
		group:    "kubernetes",
		packages: []string{module + "/cmd/prometheus"},
		stamps:   []string{"github.com/prometheus/common/version.Version=" + version},
	}
}

func pauseBuild() goBuild {
	return goBuild{group: "kubernetes", packages: []string{"./pause"}}
}
