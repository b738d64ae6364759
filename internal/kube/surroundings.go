// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"weir.dev/weir/internal/draft"
	"weir.dev/weir/internal/injection"
)

// ReadSurroundings reads what else matters when the workloads of a namespace are adopted. Routes of other namespaces are left
// out when they may not be listed.
func ReadSurroundings(ctx context.Context, c client.Reader, name string) (draft.Surroundings, error) {
	out := draft.Surroundings{Trusted: map[string][]string{}, Injected: map[string]bool{}}
	var namespace corev1.Namespace
	if err := c.Get(ctx, client.ObjectKey{Name: name}, &namespace); err != nil {
		return out, fmt.Errorf("read namespace %s: %w", name, err)
	}
	var accounts corev1.ServiceAccountList
	var rules istionet.DestinationRuleList
	var scalers autoscalingv2.HorizontalPodAutoscalerList
	var bindings rbacv1.RoleBindingList
	var pods corev1.PodList
	if err := fill(ctx, c, name, &accounts, &rules, &scalers, &bindings, &pods); err != nil {
		return out, err
	}
	out.Labels, out.Accounts, out.Rules, out.Autoscalers = namespace.Labels, accounts.Items, rules.Items, scalers.Items
	for _, b := range bindings.Items {
		for _, s := range b.Subjects {
			if s.Kind == rbacv1.ServiceAccountKind && (s.Namespace == "" || s.Namespace == name) {
				out.Trusted["RoleBinding "+b.Name] = append(out.Trusted["RoleBinding "+b.Name], s.Name)
			}
		}
	}
	for i := range pods.Items {
		if by := metav1.GetControllerOf(&pods.Items[i]); by != nil && by.Kind == "StatefulSet" && injection.HasSidecar(&pods.Items[i]) {
			out.Injected[by.Name] = true
		}
	}
	if err := readPolicies(ctx, c, name, out.Trusted); err != nil {
		return out, err
	}
	var routes istionet.VirtualServiceList
	if err := c.List(ctx, &routes); err != nil && !apierrors.IsForbidden(err) {
		return out, fmt.Errorf("list routes of all namespaces: %w", err)
	}
	for _, v := range routes.Items {
		if v.Namespace != name {
			out.Elsewhere = append(out.Elsewhere, v)
		}
	}
	return out, nil
}

// readPolicies adds whom Istio's policies let in.
func readPolicies(ctx context.Context, c client.Reader, namespace string, trusted map[string][]string) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "security.istio.io", Version: "v1", Kind: "AuthorizationPolicyList"})
	if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
		if apimeta.IsNoMatchError(err) {
			return nil
		}
		return fmt.Errorf("list AuthorizationPolicies in %s: %w", namespace, err)
	}
	for _, o := range list.Items {
		rules, _, err := unstructured.NestedSlice(o.Object, "spec", "rules")
		if err != nil {
			return fmt.Errorf("AuthorizationPolicy %s: %w", o.GetName(), err)
		}
		for _, rule := range rules {
			trusted["AuthorizationPolicy "+o.GetName()] = append(trusted["AuthorizationPolicy "+o.GetName()], texts(rule)...)
		}
	}
	return nil
}

// texts are all that stand somewhere in the value.
func texts(value any) []string {
	var out []string
	switch v := value.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, one := range v {
			out = append(out, texts(one)...)
		}
	case map[string]any:
		for _, one := range v {
			out = append(out, texts(one)...)
		}
	}
	return out
}
