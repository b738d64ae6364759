// SPDX-License-Identifier: Apache-2.0

package manifest

import "testing"

func TestParseLeavesEmptyDocumentsOut(t *testing.T) {
	objects, err := Parse([]byte("# nothing\n---\nkind: A\n---\n---\nkind: B\n---\n# only a comment\n"))
	if err != nil || len(objects) != 2 || objects[1].GetKind() != "B" {
		t.Errorf("got %v, %v", objects, err)
	}
	if _, err := Parse([]byte("kind: A\n---\nkind: [")); err == nil {
		t.Error("broken YAML was taken")
	}
}

func TestCovers(t *testing.T) {
	tests := []struct {
		name         string
		live, wanted string
		want         bool
	}{
		{"equal", "a: {b: 1}", "a: {b: 1}", true},
		{"defaults were added", "a: {b: 1, c: 2}\nstatus: {}", "a: {b: 1}", true},
		{"another value", "a: {b: 1}", "a: {b: 2}", false},
		{"a field is missing", "a: {}", "a: {b: 2}", false},
		{"an item more", "a: [1, 2]", "a: [1]", false},
		{"items with defaults", "a: [{b: 1, c: 2}]", "a: [{b: 1}]", true},
		{"an empty map is left out", "a: {}", "a: {b: {}, c: []}", true},
		{"another type", "a: '1'", "a: 1", false},
		{"nothing wanted", "a: 1", "a:", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			live, wanted := parseOne(t, test.live), parseOne(t, test.wanted)
			if got := covers(live.Object, wanted.Object); got != test.want {
				t.Errorf("covers is %t, want %t", got, test.want)
			}
		})
	}
}

func parseOne(t *testing.T, text string) *Object {
	t.Helper()
	objects, err := Parse([]byte(text))
	if err != nil || len(objects) != 1 {
		t.Fatalf("%q: %v, %v", text, objects, err)
	}
	return objects[0]
}

func TestAvailable(t *testing.T) {
	tests := []struct {
		name, deployment string
		want             bool
	}{
		{"all", "spec: {replicas: 2}\nstatus: {observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2}", true},
		{"one is missing", "spec: {replicas: 2}\nstatus: {updatedReplicas: 2, availableReplicas: 1}", false},
		{"an old status", "metadata: {generation: 2}\nspec: {replicas: 1}\n" +
			"status: {observedGeneration: 1, updatedReplicas: 1, availableReplicas: 1}", false},
		{"not seen yet", "spec: {replicas: 1}", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := available(parseOne(t, test.deployment)); got != test.want {
				t.Errorf("available is %t, want %t", got, test.want)
			}
		})
	}
}
