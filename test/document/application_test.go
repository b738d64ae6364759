// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/plan"
)

var block = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestApplicationsAreCarriedOut plans every example of the page that leads from images to an application: each is whole, and
// everything made of it fits together.
func TestApplicationsAreCarriedOut(t *testing.T) {
	const page = "docs/applications.md"
	seen := 0
	for _, match := range block.FindAllStringSubmatch(pages(t)[page], -1) {
		for text := range strings.SplitSeq(match[1], "\n---\n") {
			seen++
			var app api.Application
			if err := yaml.UnmarshalStrict([]byte(text), &app); err != nil || app.Kind != "Application" {
				t.Errorf("%s: this is no Application: %v\n%s", page, err, text)
				continue
			}
			if err := carriedOut(&app); err != nil {
				t.Errorf("%s: application %s: %v", page, app.Name, err)
			}
		}
	}
	if seen == 0 {
		t.Errorf("%s shows no application", page)
	}
}

func carriedOut(app *api.Application) error {
	if err := plan.Accept(app); err != nil {
		return fmt.Errorf("it is refused: %w", err)
	}
	in := plan.Settled(app)
	in.GatewayPrincipals = []string{"gateway"}
	objects, err := plan.Objects(in)
	if err != nil {
		return err
	}
	return plan.Check(objects)
}
