// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"helm.sh/helm/v3/pkg/strvals"

	"weir.dev/weir/deploy"
)

// loadChart reads the chart out of the binary.
func loadChart() (*chart.Chart, error) {
	var files []*loader.BufferedFile
	err := fs.WalkDir(deploy.Chart, deploy.Root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := deploy.Chart.ReadFile(path)
		files = append(files, &loader.BufferedFile{Name: strings.TrimPrefix(path, deploy.Root+"/"), Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the chart: %w", err)
	}
	packed, err := loader.LoadFiles(files)
	if err != nil {
		return nil, fmt.Errorf("read the chart: %w", err)
	}
	return packed, nil
}

// values are what the user overrides in the chart.
func (o Options) values() (map[string]any, error) {
	values := map[string]any{}
	for _, assignment := range o.Set {
		if err := strvals.ParseInto(assignment, values); err != nil {
			return nil, fmt.Errorf("--set %s: %w; write it as key=value, for example replicas=1", assignment, err)
		}
	}
	if o.Image != "" {
		values["image"] = o.Image
	}
	return values, nil
}

// Render returns all that Install would apply, as a YAML stream, without asking a cluster.
func Render(options Options) (string, error) {
	options = options.withDefaults()
	packed, err := loadChart()
	if err != nil {
		return "", err
	}
	values, err := options.values()
	if err != nil {
		return "", err
	}
	render := action.NewInstall(&action.Configuration{Log: silent})
	render.ReleaseName, render.Namespace = releaseName, options.Namespace
	render.ClientOnly, render.DryRun, render.IncludeCRDs = true, true, true
	render.KubeVersion = &chartutil.KubeVersion{Version: "v" + oldest}
	done, err := render.Run(packed, values)
	if err != nil {
		return "", oneLine(err)
	}
	return fmt.Sprintf("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n%s", options.Namespace, done.Manifest), nil
}

// release installs the chart, or upgrades what is installed; settings of an earlier install stay unless set anew.
func (t *target) release(ctx context.Context, packed *chart.Chart, values map[string]any, note func(string)) error {
	config, err := t.helm()
	if err != nil {
		return err
	}
	last, err := config.Releases.Last(releaseName)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		note("installed")
		return t.firstRelease(ctx, config, packed, values)
	}
	if err != nil {
		return fmt.Errorf("read the installed release: %w", err)
	}
	if err := t.settle(config, last); err != nil {
		return err
	}
	note("upgraded")
	upgrade := action.NewUpgrade(config)
	upgrade.Namespace, upgrade.SkipCRDs, upgrade.MaxHistory = t.namespace, true, 5
	upgrade.ResetThenReuseValues = true
	upgrade.DisableOpenAPIValidation = true // the API server validates as well, and the schema takes seconds to read
	_, err = upgrade.RunWithContext(ctx, releaseName, packed, values)
	return oneLine(err)
}

func (t *target) firstRelease(ctx context.Context, config *action.Configuration, packed *chart.Chart, values map[string]any) error {
	install := action.NewInstall(config)
	install.ReleaseName, install.Namespace = releaseName, t.namespace
	install.CreateNamespace, install.SkipCRDs = true, true
	install.DisableOpenAPIValidation = true
	_, err := install.RunWithContext(ctx, packed, values)
	return oneLine(err)
}

// settle clears away what an interrupted install left behind; Helm would refuse to go on because of it.
func (t *target) settle(config *action.Configuration, last *helmrelease.Release) error {
	if !last.Info.Status.IsPending() {
		return nil
	}
	if age := time.Since(last.Info.LastDeployed.Time); age < t.timeout {
		return fmt.Errorf("another install began %s ago; wait for it to end, or try again in %s",
			age.Round(time.Second), (t.timeout - age).Round(time.Second))
	}
	last.SetStatus(helmrelease.StatusFailed, "interrupted")
	return config.Releases.Update(last)
}

func (t *target) helm() (*action.Configuration, error) {
	config := &action.Configuration{}
	if err := config.Init(t, t.namespace, "secret", silent); err != nil {
		return nil, fmt.Errorf("prepare Helm: %w", err)
	}
	return config, nil
}

func silent(string, ...any) {}

// oneLine makes Helm's report of wrong values one line.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return &flatError{text: strings.Join(lines, " "), err: err}
}

// flatError says err in one line.
type flatError struct {
	text string
	err  error
}

func (e *flatError) Error() string { return e.text }
func (e *flatError) Unwrap() error { return e.err }
