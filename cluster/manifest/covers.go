// SPDX-License-Identifier: Apache-2.0

package manifest

import "reflect"

// covers says whether live holds everything that is wanted. Live may hold more: defaults, status, what others added.
// Lists must be of equal length, since their order has a meaning.
func covers(live, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		return coversMap(live, wanted)
	case []any:
		return coversList(live, wanted)
	case nil:
		return true
	}
	if number, ok := asFloat(wanted); ok {
		other, ok := asFloat(live)
		return ok && number == other
	}
	return reflect.DeepEqual(live, wanted)
}

func coversMap(live any, wanted map[string]any) bool {
	fields, ok := live.(map[string]any)
	if !ok {
		return len(wanted) == 0 && live == nil // the server leaves empty maps out
	}
	for name, value := range wanted {
		if !covers(fields[name], value) {
			return false
		}
	}
	return true
}

func coversList(live any, wanted []any) bool {
	items, ok := live.([]any)
	if !ok {
		return len(wanted) == 0 && live == nil
	}
	if len(items) != len(wanted) {
		return false
	}
	for i := range wanted {
		if !covers(items[i], wanted[i]) {
			return false
		}
	}
	return true
}

// asFloat makes numbers comparable: a YAML file and the API server's JSON are read into different types.
func asFloat(value any) (float64, bool) {
	switch number := value.(type) {
	case int:
		return float64(number), true
	case int64:
		return float64(number), true
	case float64:
		return number, true
	}
	return 0, false
}
