// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "weir.dev/weir/api/v1alpha1"
)

// Interval is the least time a step is watched. Default: 30s.
func Interval(a api.Analysis) time.Duration { return orElse(a.Interval, 30*time.Second) }

// Deadline is how long a step may wait for evidence. Default: 10m.
func Deadline(a api.Analysis) time.Duration { return orElse(a.Deadline, 10*time.Minute) }

// Fraction is the quantile between 0 and 1. Default: that of P95.
func Fraction(q api.Quantile) float64 {
	switch quantile(q) {
	case "P50":
		return 0.50
	case "P90":
		return 0.90
	case "P99":
		return 0.99
	default:
		return 0.95
	}
}

// Confidence of a comparison, between 0 and 1. Default: 0.99.
func Confidence(c api.Compare) float64 {
	if c.Confidence <= 0 {
		return 0.99
	}
	return c.Confidence / 100
}

func quantile(q api.Quantile) api.Quantile {
	if q == "" {
		return "P95"
	}
	return q
}

func minRequests(a api.Analysis) int64 {
	if a.MinRequests <= 0 {
		return 50
	}
	return a.MinRequests
}

func orElse(d *metav1.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.Duration
}
