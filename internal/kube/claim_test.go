// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func managed(manager string, operation metav1.ManagedFieldsOperationType, subresource, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: operation, Subresource: subresource, APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}
}

func TestReassigned(t *testing.T) {
	const update, apply = metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply
	got, err := reassigned([]metav1.ManagedFieldsEntry{
		managed("kubectl", update, "", `{"f:metadata":{"f:labels":{}},"f:spec":{"f:selector":{},"f:type":{},"f:ports":{"k:80":{"f:port":{}}}}}`),
		managed("helm", apply, "", `{"f:spec":{"f:ports":{"k:80":{"f:name":{}}}}}`),
		managed("cloud", update, "status", `{"f:spec":{"f:ports":{}}}`),
		managed("weir", apply, "", `{"f:metadata":{"f:annotations":{}}}`),
	}, "v1", claimed["Service"])
	if err != nil {
		t.Fatal(err)
	}
	want := []metav1.ManagedFieldsEntry{
		managed("kubectl", update, "", `{"f:metadata":{"f:labels":{}},"f:spec":{"f:type":{}}}`),
		managed("cloud", update, "status", `{"f:spec":{"f:ports":{}}}`),
		managed("weir", apply, "", `{"f:metadata":{"f:annotations":{}},"f:spec":{"f:ports":{"k:80":{"f:name":{},"f:port":{}}},"f:selector":{}}}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
