// SPDX-License-Identifier: Apache-2.0

//go:build api

package api_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestAutoscaleRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		component string
		want      []string
	}{
		"no max":           {"{autoscale: {min: 1}}", []string{"spec.components[0].autoscale.max: Required value"}},
		"max below min":    {"{autoscale: {min: 3, max: 2}}", []string{"spec.components[0].autoscale.max", "must not be below min"}},
		"none at the most": {"{autoscale: {max: 0}}", []string{"spec.components[0].autoscale.max", "greater than or equal to 1"}},
		"no CPU":           {"{autoscale: {max: 2, cpu: 0}}", []string{"spec.components[0].autoscale.cpu"}},
		"unknown metric":   {"{autoscale: {max: 2, metrics: [{typ: Pods}]}}", []string{"unknown field"}},
		"a job":            {"{autoscale: {max: 2}, kind: Job}", []string{"spec.components[0].autoscale", "only a Deployment or StatefulSet"}},
		"somebody else's":  {"{autoscale: {max: 2}, external: true}", []string{"spec.components[0].autoscale", "only a Deployment or StatefulSet"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(tt.component, "{", "{name: reviews, image: 'reviews:v1', ", 1)
			_, err := create(t, "{apiVersion: weir.dev/v1alpha1, kind: Application, spec: {components: ["+text+"]}}", client.DryRunAll)
			refused(t, err, tt.want...)
		})
	}
}
