// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/port"
)

// Compose drafts an Application of a compose project. What is known of images, by their names, tells the ports of services
// that name none, see Asking.
func Compose(project *types.Project, namespace string, images map[string]Image) (*Draft, error) {
	c := composer{
		Draft: newDraft(namespace, cmp.Or(label(project.Name, longest), "application")), project: project, images: images,
		names: map[string]string{}, hosts: map[string]string{}, published: map[string][]int32{},
	}
	services := slices.Sorted(maps.Keys(project.Services))
	for _, name := range services {
		c.names[name] = cmp.Or(label(name, longest), "component")
		if c.names[name] != name {
			c.note(c.names[name], "the service is called %s in the compose file, which is no name of a component; its callers' "+
				"variables and arguments have the new one", name)
		}
	}
	c.called(services)
	for _, name := range services {
		component, err := c.component(project.Services[name])
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", name, err)
		}
		c.Application.Spec.Components = append(c.Application.Spec.Components, component)
	}
	c.relate()
	c.ways()
	c.remind()
	for _, name := range slices.Sorted(maps.Keys(project.DisabledServices)) {
		c.note("", "service %s is left out, since nobody asked for its profile; COMPOSE_PROFILES=%s takes it in", name,
			strings.Join(project.DisabledServices[name].Profiles, ","))
	}
	return c.Draft, nil
}

// composer drafts component by component.
type composer struct {
	*Draft
	project *types.Project
	// names of components by those of services; hosts by what services are called besides.
	names, hosts map[string]string
	// images are what is known of them.
	images map[string]Image
	// published are the ports that the compose file lets the host reach, by component.
	published map[string][]int32
}

func (c *composer) component(s types.ServiceConfig) (api.Component, error) {
	name := c.names[s.Name]
	out := api.Component{Name: name, Image: c.image(name, s), Command: c.renamed(s.Entrypoint), Args: c.renamed(s.Command),
		Env: c.env(name, s)}
	c.ports(&out, s)
	if n := replicas(s); n != 1 {
		out.Replicas = ptr.To(max(1, n))
	}
	out.Resources = resources(s)
	out.Readiness = c.readiness(name, s)
	over := overlay{}
	c.volumes(&out, &over, s)
	c.process(name, &over, s)
	c.refuse(name, s)
	var err error
	out.Template, err = over.template(name)
	return out, err
}

func (c *composer) image(component string, s types.ServiceConfig) string {
	if s.Image != "" {
		if at := strings.LastIndex(s.Image, "/") + 1; !strings.ContainsAny(s.Image[at:], ":@") || strings.HasSuffix(s.Image, ":latest") {
			c.note(component, "image %s names no version; name one, since a new version is a new tag", s.Image)
		}
		return s.Image
	}
	image := c.project.Name + "-" + s.Name + ":latest"
	c.note(component, "it has no image, since compose builds it; build and push one, and write its name in the place of %s", image)
	return image
}

func (c *composer) env(component string, s types.ServiceConfig) []corev1.EnvVar {
	var out []corev1.EnvVar
	for _, key := range slices.Sorted(maps.Keys(s.Environment)) {
		value := s.Environment[key]
		if value == nil {
			c.note(component, "variable %s has no value here; it comes from the shell that compose runs in", key)
			value = ptr.To("")
		}
		if secretive(key) && *value != "" {
			c.note(component, "variable %s looks like a secret; keep it in a Secret, and name that under valueFrom", key)
		}
		text := c.renamed([]string{*value})[0]
		if to := c.hosts[text]; to != "" && hostly(key) {
			text = to
		}
		out = append(out, corev1.EnvVar{Name: key, Value: text})
	}
	if at := "/var/lib/postgresql/data"; base(s.Image) == "postgres" && mounted(s, at) && s.Environment["PGDATA"] == nil {
		out = append(out, corev1.EnvVar{Name: "PGDATA", Value: at + "/pgdata"})
		c.note(component, "PGDATA is a folder inside of the volume, since a new disk is not empty, and postgres wants an empty folder")
	}
	return out
}

func mounted(s types.ServiceConfig, at string) bool {
	return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == at && v.Type == types.VolumeTypeVolume })
}

// hostly tells whether a variable of that name holds a host.
func hostly(key string) bool {
	key = strings.ToUpper(key)
	return slices.ContainsFunc([]string{"HOST", "HOSTNAME", "SERVER", "ADDR", "ADDRESS"},
		func(word string) bool { return strings.HasSuffix(key, word) })
}

// called gathers what services are called besides their names: by their containers' names, links and aliases.
func (c *composer) called(services []string) {
	alias := func(service, name string) {
		if to := c.names[service]; name != "" && to != "" && name != to && c.names[name] == "" {
			c.hosts[name] = to
		}
	}
	for _, service := range services {
		s := c.project.Services[service]
		alias(service, s.ContainerName)
		alias(service, s.Hostname)
		for _, network := range s.Networks {
			if network == nil {
				continue
			}
			for _, name := range network.Aliases {
				alias(service, name)
			}
		}
		for _, link := range s.Links {
			if to, name, renamed := strings.Cut(link, ":"); renamed {
				alias(to, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.hosts)) {
		c.note(c.hosts[name], "it is called %s as well in the compose file; only its own name is one here, and stands "+
			"in its callers' variables and arguments", name)
	}
}

// renamed are the texts with the names of components where services stand as hosts by other names.
func (c *composer) renamed(texts []string) []string {
	out := slices.Clone(texts)
	replace := func(pattern, to string) {
		host := regexp.MustCompile(pattern)
		for i := range out {
			out[i] = host.ReplaceAllString(out[i], "${1}"+to+"${2}")
		}
	}
	for _, from := range slices.Sorted(maps.Keys(c.names)) {
		if to := c.names[from]; from != to {
			replace(`(^|[/@=,\s])`+regexp.QuoteMeta(from)+`($|[:/,\s])`, to)
		}
	}
	for _, from := range slices.Sorted(maps.Keys(c.hosts)) { // which may be words with other meanings, too
		replace(`(//|@)`+regexp.QuoteMeta(from)+`($|[:/,\s])`, c.hosts[from])
		replace(`(^|[=,\s])`+regexp.QuoteMeta(from)+`(:[0-9])`, c.hosts[from])
	}
	return out
}

// secretive tells whether a variable of that name should not stand in a file.
func secretive(key string) bool {
	key = strings.ToUpper(key)
	return slices.ContainsFunc([]string{"PASSWORD", "PASSWD", "SECRET", "TOKEN", "PRIVATE_KEY", "API_KEY"}, func(word string) bool {
		return strings.Contains(key, word)
	})
}

func replicas(s types.ServiceConfig) int32 {
	switch {
	case s.Scale != nil:
		return int32(*s.Scale)
	case s.Deploy != nil && s.Deploy.Replicas != nil:
		return int32(*s.Deploy.Replicas)
	}
	return 1
}

// ports are those published, those exposed, those of the image, and for well-known images those they are known for.
func (c *composer) ports(out *api.Component, s types.ServiceConfig) {
	for _, p := range s.Ports {
		if p.Protocol == "udp" {
			addPort(out, api.Port{Port: int32(p.Target), Protocol: port.UDP})
			c.note(out.Name, "port %d speaks UDP, which passes by the mesh", p.Target)
			continue
		}
		addPort(out, api.Port{Port: int32(p.Target), Protocol: spoken(p.Name, p.AppProtocol)})
		if p.Published != "" {
			c.published[out.Name] = append(c.published[out.Name], int32(p.Target))
		}
	}
	for _, text := range s.Expose {
		digits, transport, _ := strings.Cut(text, "/")
		number, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || number < 1 || number > 65535 {
			c.note(out.Name, "expose %q is no single port; it is left out", text)
			continue
		}
		exposed := api.Port{Port: int32(number)}
		if transport == "udp" {
			exposed.Protocol = port.UDP
		}
		addPort(out, exposed)
	}
	c.portsOfImage(out, s)
	if p, known := familiar[base(s.Image)]; known && len(out.Ports) == 0 {
		addPort(out, api.Port{Port: p})
		c.note(out.Name, "nothing names a port; %d is what %s listens on by custom", p, base(s.Image))
	}
}

// familiar are ports of images that everybody uses.
var familiar = map[string]int32{
	"postgres": 5432, "mysql": 3306, "mariadb": 3306, "redis": 6379, "valkey": 6379, "mongo": 27017, "rabbitmq": 5672,
	"nginx": 80, "httpd": 80,
	"memcached": 11211, "nats": 4222, "elasticsearch": 9200,
}

// base is the last part of an image's name, without its tag.
func base(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndex(image, "/")+1:]
	image, _, _ = strings.Cut(image, ":")
	return image
}

func resources(s types.ServiceConfig) *corev1.ResourceRequirements {
	out := corev1.ResourceRequirements{Limits: corev1.ResourceList{}, Requests: corev1.ResourceList{}}
	put := func(list corev1.ResourceList, cpus float32, memory types.UnitBytes) {
		if cpus > 0 {
			list[corev1.ResourceCPU] = *resource.NewMilliQuantity(int64(cpus*1000+0.5), resource.DecimalSI)
		}
		if memory > 0 {
			list[corev1.ResourceMemory] = *resource.NewQuantity(int64(memory), resource.BinarySI)
		}
	}
	put(out.Limits, s.CPUS, s.MemLimit)
	put(out.Requests, 0, s.MemReservation)
	if s.Deploy != nil {
		if l := s.Deploy.Resources.Limits; l != nil {
			put(out.Limits, l.NanoCPUs.Value(), l.MemoryBytes)
		}
		if r := s.Deploy.Resources.Reservations; r != nil {
			put(out.Requests, r.NanoCPUs.Value(), r.MemoryBytes)
		}
	}
	if len(out.Limits)+len(out.Requests) == 0 {
		return nil
	}
	return &out
}

// readiness is the health check: compose, too, waits for it before others depend on the service.
func (c *composer) readiness(component string, s types.ServiceConfig) *corev1.Probe {
	h := s.HealthCheck
	if h == nil || h.Disable || len(h.Test) < 2 {
		return nil
	}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: h.Test[1:]}}}
	if h.Test[0] == "CMD-SHELL" {
		probe.Exec.Command = append([]string{"/bin/sh", "-c"}, h.Test[1:]...)
	}
	seconds := func(d *types.Duration) int32 {
		if d == nil {
			return 0
		}
		return int32((int64(*d) + 999_999_999) / 1_000_000_000)
	}
	probe.PeriodSeconds, probe.TimeoutSeconds, probe.InitialDelaySeconds = seconds(h.Interval), seconds(h.Timeout), seconds(h.StartPeriod)
	if h.Retries != nil {
		probe.FailureThreshold = int32(min(*h.Retries, 1000))
	}
	if probe.PeriodSeconds > 10 {
		c.note(component, "its health is looked at each %d s only, so a new pod gets its first request that late; make periodSeconds smaller",
			probe.PeriodSeconds)
	}
	return probe
}
