// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// Filled tells what the user left out of the component and what was taken for it. version is the name that its state has.
func Filled(c api.Component, version string) []api.Filled {
	var out []api.Filled
	add := func(field, value, why string) { out = append(out, api.Filled{Field: field, Value: value, Why: why}) }
	if c.Version == "" {
		add("version", version, whyVersion(c.Image))
	}
	exposed, _ := port.Exposed(c)
	for _, p := range c.Ports {
		if found := port.Find(p, p.Port == exposed); found.Why != "" {
			add(fmt.Sprintf("ports[%d].protocol", p.Port), string(found.Protocol), found.Why)
		}
	}
	if streams := port.Streams(port.Resolve(c)); len(streams) > 0 && c.Readiness == nil && !c.External {
		add("readiness", fmt.Sprintf("tcpSocket %d", port.Target(streams[0])), "a pod is ready when its first port accepts connections; "+
			"an httpGet of its own would tell more")
	}
	return out
}

func whyVersion(image string) string {
	image, digest, _ := strings.Cut(image, "@")
	switch last := image[strings.LastIndex(image, "/")+1:]; {
	case strings.Contains(last, ":"):
		return "the tag of the image; a hash follows when another state had the name"
	case digest != "":
		return "the digest of the image, which has no tag"
	default:
		return "the image has no tag; give it one, so that a new version can be told from the old"
	}
}
