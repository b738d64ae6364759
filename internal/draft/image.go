// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// sidecarUser is the user that sidecars run as: what its processes send passes them by.
const sidecarUser = "1337"

// Image is what an image says of itself.
type Image struct {
	// Ports that it says it listens on, by EXPOSE.
	Ports []api.Port
	// User that it runs as, such as 1000:1000; empty means root.
	User string
	// Fault says why it could not be read; empty when it was.
	Fault string
}

// Project makes a compose project of nothing but images, each as name=image, or image when its last part is to be the name.
func Project(name string, images []string) *types.Project {
	out := &types.Project{Name: name, Services: types.Services{}}
	for _, text := range images {
		service, image, said := strings.Cut(text, "=")
		if !said {
			service, image = base(text), text
		}
		free := service
		for n := 2; out.Services[free].Image != ""; n++ {
			free = fmt.Sprintf("%s-%d", service, n)
		}
		made := types.ServiceConfig{Name: free}
		made.Image = image
		out.Services[free] = made
	}
	return out
}

// Asking are the images that tell the ports of services that name none.
func Asking(project *types.Project) []string {
	var out []string
	for _, s := range project.Services {
		if s.Image != "" && len(s.Ports)+len(s.Expose) == 0 && !slices.Contains(out, s.Image) {
			out = append(out, s.Image)
		}
	}
	slices.Sort(out)
	return out
}

// portsOfImage are those that the image says it listens on, for a service that names none.
func (c *composer) portsOfImage(out *api.Component, s types.ServiceConfig) {
	image, asked := c.images[s.Image]
	if user, _, _ := strings.Cut(image.User, ":"); user == sidecarUser && cmp.Or(s.User, user) == user {
		c.note(out.Name, "the image runs as user %s, which is the sidecar's: what it sends would pass by the mesh; "+
			"set another as runAsUser in the template", user)
	}
	if !asked || len(out.Ports) > 0 {
		return
	}
	for _, p := range image.Ports {
		if slices.Contains(reserved, p.Port) {
			c.note(out.Name, "the image says that it listens on %d, which is the sidecar's; it is left out, let it listen elsewhere", p.Port)
			continue
		}
		addPort(out, p)
	}
	_, known := familiar[base(s.Image)]
	switch {
	case image.Fault != "" && !known:
		c.note(out.Name, "what it listens on is not known (%s); add its ports, or nobody can call it", image.Fault)
	case len(image.Ports) == 0 && !known:
		c.note(out.Name, "neither you nor its image (EXPOSE) says what it listens on; add its ports, unless nobody calls it")
	case len(out.Ports) > 0:
		c.note(out.Name, "its ports are what the image says it listens on (EXPOSE)%s", untold(out.Ports))
	}
}

// reserved are the ports of the sidecar.
var reserved = []int32{15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, 15053, 15090}

// untold asks for the protocols that nothing tells.
func untold(ports []api.Port) string {
	for _, p := range ports {
		if found := port.Find(p, false); found.Protocol == port.TCP && found == port.Find(api.Port{Port: 1}, false) {
			return fmt.Sprintf("; say protocol: http or grpc at %d if that is spoken there", p.Port)
		}
	}
	return ""
}
