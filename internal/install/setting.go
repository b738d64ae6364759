// SPDX-License-Identifier: Apache-2.0

package install

import (
	"fmt"

	"helm.sh/helm/v3/pkg/chartutil"
)

// settings are the values of the chart that the checks need.
type settings struct {
	istioNamespace string
	prometheusURL  string
}

// settingsOf reads values over the chart's defaults.
func settingsOf(values map[string]any) (settings, error) {
	packed, err := loadChart()
	if err != nil {
		return settings{}, err
	}
	merged, err := chartutil.CoalesceValues(packed, values)
	if err != nil {
		return settings{}, fmt.Errorf("read the chart's values: %w", err)
	}
	var s settings
	for path, field := range map[string]*string{
		"istio.namespace": &s.istioNamespace,
		"prometheus.url":  &s.prometheusURL,
	} {
		value, err := merged.PathValue(path)
		if err != nil {
			return settings{}, fmt.Errorf("value %s: %w", path, err)
		}
		text, ok := value.(string)
		if !ok {
			return settings{}, fmt.Errorf("value %s: got %v, want text", path, value)
		}
		*field = text
	}
	return s, nil
}
