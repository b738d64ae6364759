// SPDX-License-Identifier: Apache-2.0

package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan/owner"
	"weir.dev/weir/internal/plan/revision"
)

// keptReplicaSets suffices: going back to an older version is Weir's work.
const keptReplicaSets = 2

// Deployment runs one version of the component; c is its frozen content. Nothing in the pod template depends on the number
// of replicas, so that scaling restarts no pod. It fails when the component's template cannot be merged.
func Deployment(a *api.Application, c api.Component, w api.VersionWanted) (*appsv1.Deployment, error) {
	pods, err := template(a, c, w.Version)
	if err != nil {
		return nil, err
	}
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: owner.Meta(a, c.Name, revision.Name(c.Name, w.Version)),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(w.Replicas), RevisionHistoryLimit: ptr.To[int32](keptReplicaSets),
			Selector: &metav1.LabelSelector{MatchLabels: owner.Selector(a, c.Name, w.Version)},
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: ptr.To(intstr.FromInt32(0)), MaxSurge: ptr.To(intstr.FromString("25%")),
				},
			},
			Template: pods,
		},
	}
	d.Labels = owner.Labels(a, c.Name, w.Version)
	return d, nil
}

// StatefulSet runs the component under one name through all its versions: its pods are changed one by one, the last first,
// each only when the one before is ready. Its selector says nothing of versions, so that it can change them. It fails when
// the component's template cannot be merged.
func StatefulSet(a *api.Application, c api.Component, w api.VersionWanted) (*appsv1.StatefulSet, error) {
	pods, err := template(a, c, w.Version)
	if err != nil {
		return nil, err
	}
	s := &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: owner.Meta(a, c.Name, c.Name),
		Spec: appsv1.StatefulSetSpec{
			Replicas: ptr.To(w.Replicas), RevisionHistoryLimit: ptr.To[int32](keptReplicaSets),
			Selector: &metav1.LabelSelector{MatchLabels: owner.Selector(a, c.Name, "")}, ServiceName: PeersName(c.Name),
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType},
			// What pods have stored must outlive a mistake.
			PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
				WhenScaled:  appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
			},
			Template: pods, VolumeClaimTemplates: claims(c),
		},
	}
	s.Labels = owner.Labels(a, c.Name, w.Version)
	return s, nil
}

func claims(c api.Component) []corev1.PersistentVolumeClaim {
	var out []corev1.PersistentVolumeClaim
	for _, claim := range c.Claims {
		p := corev1.PersistentVolumeClaim{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
			ObjectMeta: metav1.ObjectMeta{Name: claim.Name},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceStorage: claim.Size},
				},
				VolumeMode: ptr.To(corev1.PersistentVolumeFilesystem),
			},
		}
		if claim.StorageClass != "" {
			p.Spec.StorageClassName = ptr.To(claim.StorageClass)
		}
		out = append(out, p)
	}
	return out
}
