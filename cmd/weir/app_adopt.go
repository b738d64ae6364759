// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/internal/draft"
	"weir.dev/weir/internal/kube"
	"weir.dev/weir/internal/plan"
)

// adoption is what to adopt, and how.
type adoption struct {
	options              draft.Options
	file, format         string
	dryRun, yes, brief   bool
	wait                 bool
	timeout              time.Duration
	application          *api.Application
	foundNotes, standing []draft.Note
}

func newAppAdoptCommand(where *target) *cobra.Command {
	var a adoption
	command := &cobra.Command{
		Use:   "adopt",
		Short: "Turn what runs in a namespace into an application, without losing a request",
		Long: "Turn what runs in a namespace into an application, without losing a request. It shows first what would be made, changed\n" +
			"and taken away, and asks. New pods start beside the old ones, which answer until every caller has moved; the old\n" +
			"Deployments stay without pods, Services keep their addresses, and pods of StatefulSets go on running. When the\n" +
			"application is deleted, all of it is given back.\n\n" +
			"With -o yaml it writes the application as a file, to be read, corrected, and adopted with -f. kubectl apply does the same.",
		Example: "  weir app adopt -n shop --dry-run\n  weir app adopt -n shop --except database\n" +
			"  weir app adopt -n shop -o yaml > application.yaml; weir app adopt -f application.yaml -n shop",
		RunE: func(command *cobra.Command, _ []string) error { return a.run(command, where) },
	}
	flags := command.Flags()
	flags.StringVarP(&a.file, "filename", "f", "",
		"file with an Application that takes over, as -o yaml writes it (default: look at the namespace)")
	flags.StringVar(&a.options.Application, "name", "", "name of the application (default: the namespace's)")
	flags.StringSliceVar(&a.options.Only, "only", nil, "these Services and workloads alone, separated by commas")
	flags.StringSliceVar(&a.options.Except, "except", nil, "all but these Services and workloads, separated by commas")
	flags.BoolVar(&a.dryRun, "dry-run", false, "show what would happen, and write nothing")
	flags.BoolVar(&a.yes, "yes", false, "do not ask")
	flags.BoolVar(&a.brief, "brief", false, "leave out the lines that differ")
	flags.BoolVar(&a.wait, "wait", true, "wait until all has been taken over")
	flags.DurationVar(&a.timeout, "timeout", 10*time.Minute, "how long to wait")
	flags.StringVarP(&a.format, "output", "o", "", "yaml or json: write the application as a file, and nothing else")
	return command
}

func (a *adoption) run(command *cobra.Command, where *target) error {
	if a.format != "" && a.format != "yaml" && a.format != "json" {
		return fmt.Errorf("--output %s: use json or yaml", a.format)
	}
	c, namespace, err := where.connect()
	if err != nil {
		return err
	}
	ctx, out := command.Context(), command.OutOrStdout()
	text, err := a.find(command, c, namespace)
	if err != nil {
		return err
	}
	switch a.format {
	case "yaml":
		_, err := io.WriteString(out, text)
		return err
	case "json":
		return show(out, a.format, a.application, nil)
	}
	seen, err := a.compare(ctx, c)
	if err != nil {
		return err
	}
	if err := a.tell(out, seen); err != nil {
		return err
	}
	if len(a.standing) > 0 {
		return fmt.Errorf("%s in the way; nothing was written", english.Plural(len(a.standing), "thing is", "things are"))
	}
	if a.dryRun {
		_, err := fmt.Fprintf(out, "\nNothing was written.\n")
		return err
	}
	if err := a.agreed(command); err != nil {
		return err
	}
	if err := a.number(ctx, c); err != nil {
		return err
	}
	if err := c.Create(ctx, a.application); err != nil {
		return fmt.Errorf("create application %s: %w", a.application.Name, err)
	}
	if !a.wait {
		_, err := fmt.Fprintf(out, "application %s takes over; see: weir app get %s -n %s\n", a.application.Name, a.application.Name, namespace)
		return err
	}
	return a.await(ctx, c, out)
}

// find reads the application of the file, or drafts it of the namespace. It returns its text as well.
func (a *adoption) find(command *cobra.Command, c client.Client, namespace string) (string, error) {
	if a.file != "" {
		w, err := readWish(command.InOrStdin(), a.file)
		if err != nil {
			return "", err
		}
		if w.application == nil || len(w.application.Spec.TakesOver) == 0 {
			return "", fmt.Errorf("--filename %s: there is no Application with takesOver in it; weir app adopt -o yaml writes one", a.file)
		}
		w.application.Namespace = namespace
		a.application = w.application
		text, err := (&draft.Draft{Application: w.application}).YAML()
		return text, errors.Join(err, plan.Accept(w.application))
	}
	ctx := command.Context()
	if err := missing(ctx, c, namespace); err != nil {
		return "", err
	}
	seen, err := kube.ReadNamespace(ctx, c, namespace)
	if err != nil {
		return "", err
	}
	around, err := kube.ReadSurroundings(ctx, c, namespace)
	if err != nil {
		return "", err
	}
	found, err := draft.Adopt(seen, around, a.options)
	if err != nil {
		return "", err
	}
	if len(found.Application.Spec.Components) == 0 {
		return "", fmt.Errorf("nothing runs in namespace %s that could be adopted and is not part of an application already; "+
			"name another with -n", namespace)
	}
	a.application, a.foundNotes, a.standing = found.Application, found.Notes, found.Obstacles
	return found.YAML()
}

// agreed asks whoever sits there.
func (a *adoption) agreed(command *cobra.Command) error {
	if a.yes {
		return nil
	}
	file, ok := command.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return errors.New("nothing was written; add --yes to do it")
	}
	fmt.Fprint(command.OutOrStdout(), "\nAdopt it? [y/N] ")
	answer, err := bufio.NewReader(file).ReadString('\n')
	if err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was written")
	}
	return nil
}

// await tells how the taking over goes until it is done.
func (a *adoption) await(ctx context.Context, c client.Client, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	app, said := a.application, ""
	for {
		err := c.Get(ctx, client.ObjectKeyFromObject(app), app)
		if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
			return fmt.Errorf("application %s: %w", app.Name, err)
		}
		word, done := adoptionStep(app)
		if word != said {
			said = word
			fmt.Fprintln(out, word)
		}
		if done {
			_, err := fmt.Fprintf(out, "To give it all back: weir app delete %s -n %s\n", app.Name, app.Namespace)
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("application %s has not taken over everything after %s: %s; the old pods answer as "+
				"before. To give it up: weir app delete %s -n %s",
				app.Name, a.timeout, said, app.Name, app.Namespace)
		case <-time.After(lookEvery):
		}
	}
}

// adoptionStep says how far it has come, or what is refused.
func adoptionStep(app *api.Application) (words string, done bool) {
	if c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionApplied); c != nil && c.Status == metav1.ConditionFalse {
		return c.Message, false
	}
	c := apimeta.FindStatusCondition(app.Status.Conditions, api.ConditionTakenOver)
	if c == nil {
		return "waiting for the controller", false
	}
	return c.Message, c.Status == metav1.ConditionTrue
}
