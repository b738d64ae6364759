// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"weir.dev/weir/internal/admission"
)

// largest is how much a question may hold: two objects of what the API server takes as JSON (3 MiB), and what stands around.
const largest = 7 << 20

// question is an AdmissionReview of admission.k8s.io/v1, as far as it is looked at. What is written is read with it, in one
// pass; what was there before is read only when somebody asks.
type question[T any] struct {
	Request struct {
		UID       types.UID             `json:"uid"`
		Namespace string                `json:"namespace"`
		Name      string                `json:"name"`
		Operation admissionv1.Operation `json:"operation"`
		Object    T                     `json:"object"`
		OldObject json.RawMessage       `json:"oldObject"`
	} `json:"request"`
}

func (q *question[T]) read(text []byte) error {
	if err := utiljson.Unmarshal(text, q); err != nil {
		return fmt.Errorf("read what is written: %w", err)
	}
	return nil
}

// judge lets verdict look at what is written alone, and at what was there before, too, when there is something to object to.
func (q *question[T]) judge(verdict func(before, after *T) admission.Verdict) (admission.Verdict, error) {
	v := verdict(nil, &q.Request.Object)
	if len(v.Faults) == 0 || q.Request.Operation != admissionv1.Update {
		return v, nil
	}
	var before T
	if err := utiljson.Unmarshal(q.Request.OldObject, &before); err != nil {
		return admission.Verdict{}, fmt.Errorf("read what was there: %w", err)
	}
	return verdict(&before, &q.Request.Object), nil
}

// body is the whole of it, in one buffer.
func body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	size := min(max(r.ContentLength, 0), largest) + bytes.MinRead
	text := bytes.NewBuffer(make([]byte, 0, size))
	if _, err := text.ReadFrom(http.MaxBytesReader(w, r.Body, largest)); err != nil {
		return nil, fmt.Errorf("read the question: %w", err)
	}
	return text.Bytes(), nil
}

func respond(w http.ResponseWriter, response *admissionv1.AdmissionResponse) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"}, Response: response,
	})
}
