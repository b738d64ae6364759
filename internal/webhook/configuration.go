// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// ConfigurationName is the name of what tells the API server of the webhooks.
const ConfigurationName = "weir"

// hook is one webhook: a kind, and what has to hold for a write of it to be asked about.
type hook struct {
	resource string
	// when are conditions in CEL besides those that all share.
	when []admissionv1.MatchCondition
}

// hooks are of Weir's own kinds alone.
var hooks = []hook{
	{resource: "applications"},
	{resource: "strategies"},
	// Commands, the way back first, pass by us: only an edit of the steps to come is looked at.
	{resource: "releases", when: []admissionv1.MatchCondition{{
		Name: "steps-were-edited", Expression: "request.operation == 'UPDATE' && object.spec.strategy != oldObject.spec.strategy",
	}}},
}

func (h hook) name() string { return h.resource + "." + api.GroupVersion.Group }

func (h hook) path() string { return "/validate/" + h.resource }

// always are the conditions of all webhooks. Metadata, finalizers among them, can be written whatever state we are in; status
// and deletes are not in the rules.
func (o Options) always() []admissionv1.MatchCondition {
	out := []admissionv1.MatchCondition{
		{Name: "spec-was-written", Expression: "request.operation == 'CREATE' || object.spec != oldObject.spec"},
		{Name: "not-being-deleted", Expression: "!has(object.metadata.deletionTimestamp)"},
	}
	if o.ServiceAccount != "" {
		out = append(out, admissionv1.MatchCondition{
			Name: "not-by-weir", Expression: fmt.Sprintf("request.userInfo.username != 'system:serviceaccount:%s:%s'", o.Namespace,
				o.ServiceAccount),
		})
	}
	return out
}

// configuration is what the API server is to be told, with every default written out, so that any difference is one.
func (o Options) configuration(trusted []byte) *admissionv1.ValidatingWebhookConfiguration {
	out := &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{
		Name: ConfigurationName,
		Labels: map[string]string{
			"app.kubernetes.io/name": "weir", "app.kubernetes.io/component": "webhook", "app.kubernetes.io/part-of": "weir",
		},
		Annotations: map[string]string{"weir.dev/about": "weir writes this anew when it is changed; to do without " +
			"it, run weir controller with --webhook-port=0"},
	}}
	for _, h := range hooks {
		out.Webhooks = append(out.Webhooks, admissionv1.ValidatingWebhook{
			Name:         h.name(),
			ClientConfig: o.client(h, trusted),
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
				Rule: admissionv1.Rule{
					APIGroups: []string{api.GroupVersion.Group}, APIVersions: []string{api.GroupVersion.Version},
					Resources: []string{h.resource}, Scope: new(admissionv1.NamespacedScope),
				},
			}},
			FailurePolicy: new(admissionv1.Ignore), MatchPolicy: new(admissionv1.Equivalent), SideEffects: new(admissionv1.SideEffectClassNone),
			TimeoutSeconds:    new(int32(timeout.Seconds())),
			NamespaceSelector: o.namespaces(), ObjectSelector: &metav1.LabelSelector{},
			MatchConditions:         append(o.always(), h.when...),
			AdmissionReviewVersions: []string{"v1"},
		})
	}
	return out
}

// client is how the API server reaches the webhook.
func (o Options) client(h hook, trusted []byte) admissionv1.WebhookClientConfig {
	if o.URL != "" {
		return admissionv1.WebhookClientConfig{CABundle: trusted, URL: new(o.URL + h.path())}
	}
	return admissionv1.WebhookClientConfig{CABundle: trusted, Service: &admissionv1.ServiceReference{
		Namespace: o.Namespace, Name: o.Service, Path: new(h.path()), Port: new(int32(443)),
	}}
}

// namespaces leaves out those that everything else stands on, and our own.
func (o Options) namespaces() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
		Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpNotIn,
		Values: append([]string{metav1.NamespaceSystem, o.Namespace}, o.Exempt...),
	}}}
}
