// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"
)

// lookEvery is how often a change that is waited for is looked at.
const lookEvery = 100 * time.Millisecond

// applyCRDs brings the custom resource definitions up to date and waits until they are served. Helm itself would
// install them once and never touch them again.
func (t *target) applyCRDs(ctx context.Context, packed *chart.Chart, note func(string)) error {
	var names []string
	for _, file := range packed.CRDObjects() {
		applied, err := t.applyCRD(ctx, file.File.Data)
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
		names = append(names, applied.Name)
	}
	for _, name := range names {
		if err := t.awaitCRD(ctx, name); err != nil {
			return err
		}
	}
	t.cached.Invalidate()
	note(fmt.Sprintf("%d kinds", len(names)))
	return nil
}

func (t *target) applyCRD(ctx context.Context, text []byte) (*apiextensionsv1.CustomResourceDefinition, error) {
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &definition); err != nil {
		return nil, err
	}
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	force := true
	return t.crds.ApiextensionsV1().CustomResourceDefinitions().Patch(ctx, definition.Name, types.ApplyPatchType, data,
		metav1.PatchOptions{FieldManager: fieldManager, Force: &force})
}

func (t *target) awaitCRD(ctx context.Context, name string) error {
	why := "not seen yet"
	err := wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
		found, err := t.crds.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		for _, condition := range found.Status.Conditions {
			if condition.Type == apiextensionsv1.NamesAccepted && condition.Status == apiextensionsv1.ConditionFalse {
				return false, fmt.Errorf("the cluster refuses its names: %s", condition.Message)
			}
			if condition.Type == apiextensionsv1.Established {
				why = condition.Message
				if condition.Status == apiextensionsv1.ConditionTrue {
					return true, nil
				}
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("%s is not served (%s): %w", name, why, err)
	}
	return nil
}
