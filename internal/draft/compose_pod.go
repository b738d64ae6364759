// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
)

// claimSize is what a named volume gets, since compose does not say.
const claimSize = "1Gi"

// volumes carries over what is mounted. A named volume keeps data, so the component becomes a StatefulSet.
func (c *composer) volumes(out *api.Component, over *overlay, s types.ServiceConfig) {
	for _, v := range s.Volumes {
		name := label(v.Source, 30)
		switch {
		case v.Type == types.VolumeTypeVolume && v.Source == "", v.Type == types.VolumeTypeTmpfs:
			out.Volumes = append(out.Volumes, api.Volume{Name: free(out, "scratch"), Path: v.Target, EmptyDir: &api.EmptyDir{}})
		case v.Type == types.VolumeTypeVolume:
			out.Kind = api.StatefulSet
			out.Claims = append(out.Claims, api.Claim{Name: free(out, name), Path: v.Target, Size: resource.MustParse(claimSize)})
			c.note(out.Name, "volume %s becomes a claim of %s for each pod, empty at first; correct the size, and bring the data over", v.Source,
				claimSize)
			if others := c.sharing(s.Name, v.Source); len(others) > 0 {
				c.note(out.Name, "%s has volume %s as well, and would see other files in a claim of its own; "+
					"make one claim that all may write (ReadWriteMany), and name it under volumes of each", strings.Join(others, ", "), v.Source)
			}
		case v.Type == types.VolumeTypeBind && strings.HasSuffix(v.Source, ".sock"):
			c.note(out.Name, "%s is a socket of your machine; it is left out", v.Source)
		case v.Type == types.VolumeTypeBind && s.Build != nil && within(v.Source, s.Build.Context):
			c.note(out.Name, "%s is what its image is built of; it is left out, since the image has it", c.local(v.Source))
		case v.Type == types.VolumeTypeBind:
			name = free(out, label(path.Base(v.Source), 30))
			c.files(out, over, name, v)
		default:
			c.note(out.Name, "%s at %s is a mount of type %s; it is left out", v.Source, v.Target, v.Type)
		}
	}
	for _, path := range s.Tmpfs {
		path, _, _ = strings.Cut(path, ":")
		out.Volumes = append(out.Volumes, api.Volume{Name: free(out, "scratch"), Path: path, EmptyDir: &api.EmptyDir{}})
	}
	if s.ShmSize > 0 {
		memory := corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory,
			SizeLimit: resource.NewQuantity(int64(s.ShmSize), resource.BinarySI)}
		over.pod.Volumes = append(over.pod.Volumes, corev1.Volume{Name: "shm", VolumeSource: corev1.VolumeSource{EmptyDir: &memory}})
		over.container.VolumeMounts = append(over.container.VolumeMounts, corev1.VolumeMount{Name: "shm", MountPath: "/dev/shm"})
	}
	for _, ref := range s.Configs {
		c.object(out, over, types.FileReferenceConfig(ref), false)
	}
	for _, ref := range s.Secrets {
		c.object(out, over, types.FileReferenceConfig(ref), true)
	}
}

// files of the machine become a ConfigMap: a file as one key, mounted in its place, a folder as all of its files.
func (c *composer) files(out *api.Component, over *overlay, name string, v types.ServiceVolumeConfig) {
	config := out.Name + "-" + name
	where := c.local(v.Source)
	c.note(out.Name, "%s is a file or folder of your machine; put it into the cluster: kubectl create configmap %s --from-file=%s", where,
		config, where)
	if path.Ext(v.Target) == "" {
		out.Volumes = append(out.Volumes, api.Volume{Name: name, Path: v.Target, ConfigMap: config, ReadOnly: true})
		return
	}
	source := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: config}}}
	over.mount(name, source, v.Target, path.Base(v.Source))
}

// local is the file as seen from the compose file.
func (c *composer) local(file string) string {
	if root := c.project.WorkingDir; root != "" && strings.HasPrefix(file, root+"/") {
		return "." + strings.TrimPrefix(file, root)
	}
	return file
}

// within tells whether the file is the folder, or in it.
func within(file, folder string) bool {
	file, folder = path.Clean(file), path.Clean(folder)
	return file == folder || folder == "." && !strings.HasPrefix(file, "/") && !strings.HasPrefix(file, "..") ||
		strings.HasPrefix(file, folder+"/")
}

// sharing are the components of other services that mount the volume.
func (c *composer) sharing(service, volume string) []string {
	var out []string
	for name, s := range c.project.Services {
		if name != service && slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
			return v.Type == types.VolumeTypeVolume && v.Source == volume
		}) {
			out = append(out, c.names[name])
		}
	}
	slices.Sort(out)
	return out
}

// object is a config or secret of compose.
func (c *composer) object(out *api.Component, over *overlay, ref types.FileReferenceConfig, secret bool) {
	object := label(ref.Source, 60)
	name := free(out, label(ref.Source, 30))
	key, target := ref.Source, ref.Target
	source := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: object}}}
	file, kind, folder := c.project.Configs[ref.Source].File, "configmap", "/"
	if secret {
		file, kind, folder = c.project.Secrets[ref.Source].File, "secret generic", "/run/secrets/"
		source = corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: object}}
	}
	if target == "" {
		target = key
	}
	if !strings.HasPrefix(target, "/") {
		target = folder + target
	}
	if file == "" {
		file = "<file>"
	} else {
		file = c.local(file)
	}
	c.note(out.Name, "%s has to be in the cluster: kubectl create %s %s --from-file=%s=%s", ref.Source, kind, object, key, file)
	over.mount(name, source, target, key)
}

// mount puts one key of a volume in the place of a file.
func (o *overlay) mount(name string, source corev1.VolumeSource, target, key string) {
	o.pod.Volumes = append(o.pod.Volumes, corev1.Volume{Name: name, VolumeSource: source})
	o.container.VolumeMounts = append(o.container.VolumeMounts,
		corev1.VolumeMount{Name: name, MountPath: target, SubPath: key, ReadOnly: true})
}

// free is the name, or the name with a number when the component has such a volume.
func free(c *api.Component, name string) string {
	if name == "" {
		name = "files"
	}
	taken := func(n string) bool {
		return slices.ContainsFunc(c.Volumes, func(v api.Volume) bool { return v.Name == n }) ||
			slices.ContainsFunc(c.Claims, func(v api.Claim) bool { return v.Name == n })
	}
	for n, candidate := 2, name; ; n++ {
		if !taken(candidate) {
			return candidate
		}
		candidate = name + "-" + strconv.Itoa(n)
	}
}

// process is how the container's process is run.
func (c *composer) process(component string, over *overlay, s types.ServiceConfig) {
	over.container.WorkingDir = s.WorkingDir
	security := &corev1.SecurityContext{}
	user, group, _ := strings.Cut(s.User, ":")
	if n, err := strconv.ParseInt(user, 10, 64); err == nil {
		security.RunAsUser = ptr.To(n)
	} else if s.User != "" {
		c.note(component, "user %s is a name, and Kubernetes wants numbers; set runAsUser in the template", s.User)
	}
	if n, err := strconv.ParseInt(group, 10, 64); err == nil {
		security.RunAsGroup = ptr.To(n)
	}
	if s.ReadOnly {
		security.ReadOnlyRootFilesystem = ptr.To(true)
	}
	if s.Privileged {
		security.Privileged = ptr.To(true)
		c.note(component, "it is privileged; many clusters refuse that")
	}
	if len(s.CapAdd)+len(s.CapDrop) > 0 {
		security.Capabilities = &corev1.Capabilities{Add: capabilities(s.CapAdd), Drop: capabilities(s.CapDrop)}
	}
	if *security != (corev1.SecurityContext{}) {
		over.container.SecurityContext = security
	}
	if s.StopGracePeriod != nil {
		over.pod.TerminationGracePeriodSeconds = ptr.To(int64(*s.StopGracePeriod) / 1_000_000_000)
	}
	for host, addresses := range s.ExtraHosts {
		for _, address := range addresses {
			over.pod.HostAliases = append(over.pod.HostAliases, corev1.HostAlias{IP: address, Hostnames: []string{host}})
		}
	}
	slices.SortFunc(over.pod.HostAliases, func(a, b corev1.HostAlias) int { return strings.Compare(a.Hostnames[0]+a.IP, b.Hostnames[0]+b.IP) })
}

func capabilities(names []string) []corev1.Capability {
	var out []corev1.Capability
	for _, name := range names {
		out = append(out, corev1.Capability(strings.TrimPrefix(name, "CAP_")))
	}
	return out
}

// refuse says what a pod in a mesh cannot have.
func (c *composer) refuse(component string, s types.ServiceConfig) {
	switch mode := s.NetworkMode; {
	case mode == "host":
		c.note(component, "it uses the network of the host, where the mesh cannot see it; it gets a network of its own here")
	case strings.HasPrefix(mode, "service:"), strings.HasPrefix(mode, "container:"):
		c.note(component, "it shares the network of another container (%s); make it a container of that component's template", mode)
	}
	if len(s.Devices) > 0 {
		c.note(component, "devices of the host are left out")
	}
	if s.Pid != "" || s.Ipc == "host" {
		c.note(component, "it shares processes or memory with others; that is left out")
	}
}
