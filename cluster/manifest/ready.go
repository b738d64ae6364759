// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds that this package waits for.
var (
	Deployment = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	Node       = schema.GroupVersionKind{Version: "v1", Kind: "Node"}
	pod        = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	webhook    = schema.GroupVersionKind{
		Group: "admissionregistration.k8s.io", Version: "v1", Kind: "MutatingWebhookConfiguration",
	}
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

// AwaitWebhook waits until every webhook of a MutatingWebhookConfiguration has the authority by which its server is
// trusted. Before that each of its calls fails.
func (c *Client) AwaitWebhook(ctx context.Context, name string) error {
	return Poll(ctx, func(ctx context.Context) (bool, error) {
		object, err := c.Get(ctx, webhook, "", name)
		if err != nil {
			return false, retriable(err)
		}
		list, _, _ := unstructured.NestedSlice(object.Object, "webhooks")
		for _, item := range list {
			hook, _ := item.(map[string]any)
			if bundle, _, _ := unstructured.NestedString(hook, "clientConfig", "caBundle"); bundle == "" {
				return false, nil
			}
		}
		return true, nil
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

// Pod is what matters of a pod to a person who waits for it.
type Pod struct {
	Name, UID string
	Ready     bool
	// Reason says why it is not ready.
	Reason string
}

// Pods returns the pods of a Deployment.
func (c *Client) Pods(ctx context.Context, namespace, deployment string) ([]Pod, error) {
	resource, err := c.resource(pod, namespace)
	if err != nil {
		return nil, err
	}
	list, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var pods []Pod
	for i := range list.Items {
		item := &list.Items[i]
		if strings.HasPrefix(item.GetName(), deployment+"-") {
			pods = append(pods, Pod{
				Name: item.GetName(), UID: string(item.GetUID()),
				Ready: condition(item, "Ready") == "True", Reason: podReason(item),
			})
		}
	}
	return pods, nil
}

// excuse says in words what the pods of a Deployment wait for.
func (c *Client) excuse(ctx context.Context, namespace, deployment string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	pods, err := c.Pods(ctx, namespace, deployment)
	if err != nil {
		return "the API server does not answer: " + err.Error()
	}
	var reasons []string
	for _, p := range pods {
		if !p.Ready {
			reasons = append(reasons, p.Reason)
		}
	}
	if len(reasons) == 0 {
		return "it has no pods that wait"
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
