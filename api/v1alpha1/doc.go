// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the nouns a user of Weir writes: Application, Strategy and Release.
//
// +kubebuilder:object:generate=true
// +groupName=weir.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.22.0 object:headerFile=../../hack/header.txt paths=.
//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.22.0 crd:maxDescLen=400,allowDangerousTypes=true paths=. output:crd:dir=../../deploy/chart/crds

var (
	// GroupVersion names the API that this package defines.
	GroupVersion = schema.GroupVersion{Group: "weir.dev", Version: "v1alpha1"}
	// SchemeBuilder collects the kinds of this package.
	SchemeBuilder = runtime.NewSchemeBuilder(register)
	// AddToScheme registers every kind of this package.
	AddToScheme = SchemeBuilder.AddToScheme
)

func register(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &Application{}, &ApplicationList{}, &Strategy{}, &StrategyList{}, &Release{}, &ReleaseList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}

// Labels and values that Weir writes on what it generates.
const (
	// LabelApplication names the Application an object belongs to.
	LabelApplication = "weir.dev/application"
	// LabelComponent names the component an object belongs to.
	LabelComponent = "weir.dev/component"
	// LabelVersion names the version an object belongs to; pods carry Istio's "version" label besides.
	LabelVersion = "weir.dev/version"
	// LabelRelease names the Release an object was made for.
	LabelRelease = "weir.dev/release"
	// FieldManager is the owner of every field that Weir applies.
	FieldManager = "weir"
)
