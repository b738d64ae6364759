// SPDX-License-Identifier: Apache-2.0

package workload

import (
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// volumes returns the pod's volumes and where the container sees them, in the order they are written.
func volumes(c api.Component) ([]corev1.Volume, []corev1.VolumeMount) {
	var out []corev1.Volume
	var mounts []corev1.VolumeMount
	for _, v := range c.Volumes {
		out = append(out, corev1.Volume{Name: v.Name, VolumeSource: source(v)})
		mounts = append(mounts, corev1.VolumeMount{Name: v.Name, MountPath: v.Path, ReadOnly: v.ReadOnly})
	}
	return out, mounts
}

func source(v api.Volume) corev1.VolumeSource {
	switch {
	case v.ConfigMap != "":
		return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: v.ConfigMap},
		}}
	case v.Secret != "":
		return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: v.Secret}}
	case v.Claim != "":
		return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{
			ClaimName: v.Claim, ReadOnly: v.ReadOnly,
		}}
	}
	return corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
}
