// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
)

// subsumes tells whether have holds every field of want with the same value; what have holds besides is not looked at.
// Lists must have the same length. Amounts such as 0.5 and 500m are the same.
func subsumes(have, want any) bool { return difference(have, want, "") == "" }

// difference is the first field of want that have does not hold with the same value, such as spec.http[0].name; empty when
// it holds them all.
func difference(have, want any, path string) string {
	here := cmp.Or(path, "all")
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return unless(len(w) == 0 && have == nil, here)
		}
		return differentField(h, w, path)
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return unless(len(w) == 0 && have == nil, here)
		}
		for i := range w {
			if found := difference(h[i], w[i], fmt.Sprintf("%s[%d]", path, i)); found != "" {
				return found
			}
		}
		return ""
	case string:
		h, ok := have.(string)
		return unless(ok && (h == w || sameQuantity(h, w)), here)
	default:
		return unless(equality.Semantic.DeepEqual(have, want) || zero(want) && have == nil, here)
	}
}

func differentField(have, want map[string]any, path string) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if want[key] == nil {
			continue
		}
		if found := difference(have[key], want[key], strings.TrimPrefix(path+"."+key, ".")); found != "" {
			return found
		}
	}
	return ""
}

func unless(same bool, path string) string {
	if same {
		return ""
	}
	return path
}

// sameQuantity forgives the API server its canonical form of amounts.
func sameQuantity(a, b string) bool {
	x, err := resource.ParseQuantity(a)
	if err != nil {
		return false
	}
	y, err := resource.ParseQuantity(b)
	return err == nil && x.Cmp(y) == 0
}

// zero values are dropped by types that omit empty fields, and mean the same as absent.
func zero(v any) bool {
	switch x := v.(type) {
	case bool:
		return !x
	case int64:
		return x == 0
	case float64:
		return x == 0
	}
	return false
}

func without(m map[string]any, keys ...string) map[string]any {
	out := maps.Clone(m)
	for _, key := range keys {
		delete(out, key)
	}
	return out
}
