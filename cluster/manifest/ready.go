// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Kinds that this package waits for.
var (
	Deployment = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	Node       = schema.GroupVersionKind{Version: "v1", Kind: "Node"}
	pod        = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
)

// AwaitDeployment waits until all wanted pods of a Deployment are available. The error tells what its pods wait for.
func (c *Client) AwaitDeployment(ctx context.Context, namespace, name string) error {
	err := Poll(ctx, func(ctx context.Context) (bool, error) {
		object, err := c.Get(ctx, Deployment, namespace, name)
		if err != nil {
			return false, retriable(err)
		}
		return available(object), nil
	})
	if err == nil {
		return nil
	}
	return fmt.Errorf("deployment %s/%s is not available: %s (%w)", namespace, name,
		c.excuse(context.WithoutCancel(ctx), namespace, name), err)
}

// available compares the status with the spec, unless it speaks of an older spec.
func available(deployment *Object) bool {
	number := func(fields ...string) int64 {
		value, _, _ := unstructured.NestedInt64(deployment.Object, fields...)
		return value
	}
	wanted := number("spec", "replicas")
	return number("status", "observedGeneration") >= deployment.GetGeneration() && wanted > 0 &&
		number("status", "updatedReplicas") >= wanted && number("status", "availableReplicas") >= wanted
}

// AwaitNode waits until a node takes pods.
func (c *Client) AwaitNode(ctx context.Context, name string) error {
	return Poll(ctx, func(ctx context.Context) (bool, error) {
		object, err := c.Get(ctx, Node, "", name)
		if err != nil {
			return false, retriable(err)
		}
		return condition(object, "Ready") == "True", nil
	})
}

func condition(object *Object, kind string) string {
	list, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, item := range list {
		if c, ok := item.(map[string]any); ok && c["type"] == kind {
			status, _ := c["status"].(string)
			return status
		}
	}
	return ""
}

// excuse says in words what the pods of a Deployment wait for.
func (c *Client) excuse(ctx context.Context, namespace, deployment string) string {
	resource, err := c.resource(pod, namespace)
	if err != nil {
		return "the API server does not answer: " + err.Error()
	}
	list, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		return "the API server does not answer: " + err.Error()
	}
	var reasons []string
	for i := range list.Items {
		if strings.HasPrefix(list.Items[i].GetName(), deployment+"-") {
			reasons = append(reasons, podReason(&list.Items[i]))
		}
	}
	if len(reasons) == 0 {
		return "it has no pods"
	}
	return strings.Join(reasons, "; ")
}

func podReason(p *Object) string {
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		list, _, _ := unstructured.NestedSlice(p.Object, "status", field)
		for _, item := range list {
			status, _ := item.(map[string]any)
			waiting, found, _ := unstructured.NestedStringMap(status, "state", "waiting")
			if found {
				return strings.TrimSpace(fmt.Sprintf("pod %s, container %v: %s %s",
					p.GetName(), status["name"], waiting["reason"], waiting["message"]))
			}
		}
	}
	phase, _, _ := unstructured.NestedString(p.Object, "status", "phase")
	return fmt.Sprintf("pod %s is %s but not ready", p.GetName(), phase)
}
