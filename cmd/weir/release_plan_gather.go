// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	istionet "istio.io/client-go/pkg/apis/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan/config"
	"weir.dev/weir/internal/plan/conflict"
	"weir.dev/weir/internal/plan/routing"
	"weir.dev/weir/internal/preview"
)

// wish is what a file asks for.
type wish struct {
	application *api.Application
	strategies  []api.Strategy
}

// readWish reads an Application and Strategies; other kinds are passed over.
func readWish(stdin io.Reader, path string) (wish, error) {
	var out wish
	if path == "" {
		return out, nil
	}
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return out, err
		}
		defer file.Close()
		stdin = file
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(stdin))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err == nil {
			err = out.add(text)
		}
		if err != nil {
			return out, fmt.Errorf("--filename %s: %w", path, err)
		}
	}
}

func (w *wish) add(text []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case "Application":
		if w.application != nil {
			return errors.New("there are two Applications; plan them one after the other")
		}
		w.application = &api.Application{}
		return yaml.UnmarshalStrict(text, w.application)
	case "Strategy":
		var s api.Strategy
		if err := yaml.UnmarshalStrict(text, &s); err != nil {
			return err
		}
		w.strategies = append(w.strategies, s)
	}
	return nil
}

// gatherPlan reads what there is, and lets the API server check and fill in what there would be.
func gatherPlan(ctx context.Context, c client.Client, namespace string, f planFlags, w wish) (preview.Input, error) {
	in := preview.Input{Revisions: map[string]map[string]api.Component{}, Rates: map[string]float64{}}
	now, err := readNow(ctx, c, namespace, f, w)
	if err != nil {
		return in, err
	}
	in.Now = now
	in.Then = thenOf(in.Now, w.application)
	in.Then.Namespace = namespace
	if err := f.adjust(in.Then, w); err != nil {
		return in, err
	}
	if err := dryRun(ctx, c, in.Now != nil, in.Then); err != nil {
		return in, fmt.Errorf("the API server refuses the application: %w", err)
	}
	if err := checkStrategies(ctx, c, namespace, w, &in); err != nil {
		return in, err
	}
	if err := readStrategies(ctx, kube.Strategies{Reader: c, Templates: f.templates}, &in); err != nil {
		return in, err
	}
	if err := readHistory(ctx, c, &in); err != nil {
		return in, err
	}
	if err := readContents(ctx, c, &in); err != nil {
		return in, err
	}
	if err := readConflicts(ctx, c, &in); err != nil {
		return in, err
	}
	for _, component := range in.Then.Spec.Components {
		if f.rate > 0 {
			in.Rates[component.Name] = f.rate
		}
	}
	return in, nil
}

// readContents reads those of the ConfigMaps and Secrets that the application names now and would name.
func readContents(ctx context.Context, c client.Client, in *preview.Input) error {
	var objects []config.Object
	for _, app := range []*api.Application{in.Now, in.Then} {
		if app == nil {
			continue
		}
		for _, component := range app.Spec.Components {
			objects = append(objects, config.Objects(component)...)
		}
	}
	contents, err := (&kube.Contents{Reader: c}).Of(ctx, in.Then.Namespace, objects)
	if err != nil {
		return fmt.Errorf("the contents are part of a version: %w", err)
	}
	in.Contents = contents
	return nil
}

// readConflicts finds routes and rules of others in all namespaces, as far as they may be read.
func readConflicts(ctx context.Context, c client.Client, in *preview.Input) error {
	var routes istionet.VirtualServiceList
	var rules istionet.DestinationRuleList
	for _, list := range []client.ObjectList{&routes, &rules} {
		err := c.List(ctx, list)
		if apierrors.IsForbidden(err) {
			in.Notes = []string{"you may not read the routes of other namespaces, so conflicts with those are not known"}
			err = c.List(ctx, list, client.InNamespace(in.Then.Namespace))
		}
		if err != nil {
			return fmt.Errorf("look for routes of others: %w", err)
		}
	}
	for _, component := range in.Then.Spec.Components {
		found := conflict.Find(routing.Host(in.Then.Namespace, component.Name), routes.Items, rules.Items)
		in.Conflicts = append(in.Conflicts, conflict.Except(in.Then, found)...)
	}
	return nil
}

// readNow reads the application that is meant: that of the file, the one named, or the one that has the component.
func readNow(ctx context.Context, c client.Reader, namespace string, f planFlags, w wish) (*api.Application, error) {
	name := f.application
	if w.application != nil {
		name = w.application.Name
	}
	if name == "" {
		if f.component == "" {
			return nil, errors.New("say what to plan: a file with -f, an application with --app, or a component with --component")
		}
		app, _, err := findComponent(ctx, c, namespace, "", f.component)
		return app, err
	}
	var app api.Application
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &app)
	switch {
	case err == nil:
		return &app, nil
	case !apierrors.IsNotFound(err) || w.application == nil:
		return nil, fmt.Errorf("read application %s: %w", name, err)
	}
	return nil, nil
}

func thenOf(now, wished *api.Application) *api.Application {
	if wished == nil {
		return now.DeepCopy()
	}
	then := wished.DeepCopy()
	if now != nil {
		then = now.DeepCopy()
		then.Spec = *wished.Spec.DeepCopy()
	}
	return then
}

// adjust makes the changes that flags ask for, and puts the component under the file's strategy when it has but one.
func (f planFlags) adjust(app *api.Application, w wish) error {
	if f.component == "" {
		if f.image != "" {
			return errors.New("--image needs --component")
		}
		return nil
	}
	at := slices.IndexFunc(app.Spec.Components, func(c api.Component) bool { return c.Name == f.component })
	if at < 0 {
		return fmt.Errorf("--component %s: application %s has no such component", f.component, app.Name)
	}
	if f.image != "" {
		app.Spec.Components[at].Image, app.Spec.Components[at].Version = f.image, ""
	}
	if w.application == nil && len(w.strategies) == 1 {
		app.Spec.Components[at].Strategy = w.strategies[0].Name
	}
	return nil
}

// dryRun lets the API server check the object and fill in its defaults. It writes nothing.
func dryRun(ctx context.Context, c client.Client, exists bool, then client.Object) error {
	if !exists {
		return c.Create(ctx, then, client.DryRunAll)
	}
	return c.Update(ctx, then, client.DryRunAll)
}

// checkStrategies lets the API server check the strategies of the file.
func checkStrategies(ctx context.Context, c client.Client, namespace string, w wish, in *preview.Input) error {
	in.Strategies = map[string]api.StrategySpec{}
	for i := range w.strategies {
		s := &w.strategies[i]
		s.Namespace = namespace
		var now api.Strategy
		err := c.Get(ctx, client.ObjectKeyFromObject(s), &now)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("read strategy %s: %w", s.Name, err)
		}
		s.ResourceVersion = now.ResourceVersion
		if err := dryRun(ctx, c, err == nil, s); err != nil {
			return fmt.Errorf("the API server refuses the strategy: %w", err)
		}
		in.Strategies[s.Name] = s.Spec
	}
	return nil
}

// readStrategies reads those that the application names and the file does not bring.
func readStrategies(ctx context.Context, all kube.Strategies, in *preview.Input) error {
	for _, component := range in.Then.Spec.Components {
		if _, known := in.Strategies[component.Strategy]; known || component.Strategy == "" {
			continue
		}
		s, err := all.Find(ctx, in.Then.Namespace, component.Strategy)
		switch {
		case err != nil:
			return err
		case s != nil:
			in.Strategies[component.Strategy] = s.Spec
		case in.Named == "":
			if in.Named, err = all.Names(ctx, in.Then.Namespace); err != nil {
				return err
			}
		}
	}
	return nil
}
