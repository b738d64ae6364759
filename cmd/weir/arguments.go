// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// holdToUse makes root and every command below it take the arguments that their usage line says, so that help and behavior
// are one: NAME is needed, [NAME] may be left out, and NAME… may be given again. What only holds other commands
// shows its help, and refuses those it does not hold.
func holdToUse(root *cobra.Command) {
	for _, command := range root.Commands() {
		holdToUse(command)
	}
	if !root.HasSubCommands() {
		root.Args = asUsed
		return
	}
	root.Args = noSuchCommand
	root.SuggestionsMinimumDistance = 2
	root.RunE = func(command *cobra.Command, _ []string) error { return command.Help() }
}

// asUsed refuses more or fewer arguments than the usage line has.
func asUsed(command *cobra.Command, args []string) error {
	least, most := 0, 0
	_, wanted, _ := strings.Cut(command.Use, " ")
	for word := range strings.FieldsSeq(wanted) {
		most++
		if !strings.HasPrefix(word, "[") {
			least++
		}
		if strings.HasSuffix(word, "…") {
			most = len(args) + 1
		}
	}
	path := command.CommandPath()
	said, help := strings.TrimPrefix(path, command.Root().Name()+" "), "; see: "+path+" --help"
	switch {
	case len(args) < least:
		return fmt.Errorf("%s wants %s%s", said, wanted, help)
	case len(args) > most && most == 0:
		return fmt.Errorf("%s takes no argument, and %q is one%s", said, args[0], help)
	case len(args) > most:
		return fmt.Errorf("%s takes %s alone, and %q is more%s", said, wanted, args[most], help)
	}
	return nil
}

func noSuchCommand(command *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	near := ""
	if names := command.SuggestionsFor(args[0]); len(names) > 0 {
		near = "; similar: " + strings.Join(names, ", ")
	}
	return fmt.Errorf("unknown command %q for %q%s; see: %s --help", args[0], command.CommandPath(), near, command.CommandPath())
}
