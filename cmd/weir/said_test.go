// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestEveryCommandHasAnExample runs the examples of help through the command tree, up to where they would act.
func TestEveryCommandHasAnExample(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(command *cobra.Command) {
		for _, below := range command.Commands() {
			walk(below)
		}
		if command.HasSubCommands() || command.Hidden {
			return
		}
		if command.Example == "" {
			t.Errorf("%s has no example", command.CommandPath())
		}
		for line := range strings.Lines(command.Example) {
			if !strings.HasPrefix(line, "  "+command.CommandPath()) {
				t.Errorf("%s: the example %q is of something else", command.CommandPath(), line)
			}
			if err := understood(line); err != nil {
				t.Errorf("%s: %v", command.CommandPath(), err)
			}
		}
	}
	walk(newRootCommand())
}

var (
	fence = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")
	span  = regexp.MustCompile("`([^`\n]+)`")
)

// TestDocumentsSayCommandsThatExist runs what the documents tell to type through the command tree, up to where it would act.
// What is only mentioned, between backticks, may lack arguments and the values of flags.
func TestDocumentsSayCommandsThatExist(t *testing.T) {
	seen := 0
	for page, text := range read(t, ".md") {
		if strings.HasPrefix(page, "docs/decisions/") {
			continue // a decision speaks of its day
		}
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
				if !strings.Contains(line, "weir ") {
					continue
				}
				seen++
				if err := understood(line); err != nil {
					t.Errorf("%s: %v", page, err)
				}
			}
		}
		for _, mention := range span.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if err := exists(mention[1], false); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	if seen == 0 {
		t.Error("the documents show no command")
	}
}

// TestMessagesSayCommandsThatExist looks for commands in everything that the product says, since a way out that is
// none is worse than silence.
func TestMessagesSayCommandsThatExist(t *testing.T) {
	seen := 0
	for path, text := range read(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, words := range literals(text) {
			for line := range strings.Lines(words) {
				if err := exists(line, true); err != nil {
					t.Errorf("%s: %v", path, err)
				}
				seen += strings.Count(line, "weir ")
			}
		}
	}
	if seen == 0 {
		t.Error("the messages name no command")
	}
}

// read returns the files of the repository whose names end so, by their paths from its root.
func read(t *testing.T, ending string) map[string]string {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	files := map[string]string{}
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "bin" || path == ".git"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ending):
			return nil
		}
		text, err := fs.ReadFile(root, path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// literals are the strings that a Go file holds.
func literals(text string) []string {
	var found []string
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(text)), []byte(text), nil, 0)
	for {
		_, kind, literal := s.Scan()
		switch kind {
		case token.EOF:
			return found
		case token.STRING:
			if words, err := strconv.Unquote(literal); err == nil {
				found = append(found, words)
			}
		default: // no string
		}
	}
}

// understood runs a line of a shell through the command tree: every command, argument and flag of Weir in it.
func understood(line string) error {
	for _, words := range commands(line) {
		for _, words := range alternatives(words) {
			command, rest, err := newRootCommand().Find(words)
			if err == nil {
				err = command.ParseFlags(rest)
			}
			if err == nil && !slices.ContainsFunc(rest, func(word string) bool { return word == "--help" }) {
				err = command.ValidateArgs(command.Flags().Args())
			}
			if err != nil {
				return fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
			}
		}
	}
	return nil
}

// commands parts a line of a shell into its commands, and returns the words of those that are Weir's, without the first.
func commands(line string) [][]string {
	var found [][]string
	var words []string
	end := func() {
		if len(words) > 0 && filepath.Base(words[0]) == "weir" {
			found = append(found, words[1:])
		}
		words = nil
	}
	for _, word := range shellWords(line) {
		switch word {
		case "|", ";", "&", "&&", "||", "$":
			end()
		default:
			words = append(words, word)
		}
	}
	end()
	return found
}

// shellWord is a word with its quotes, a mark between commands, or a remark that goes on to the end of the line.
var shellWord = regexp.MustCompile(`#.*|&&|\|\||[;&]|(?:[^\s;&'"]|'[^']*'|"[^"]*")+`)

func shellWords(line string) []string {
	var words []string
	for _, word := range shellWord.FindAllString(line, -1) {
		if strings.HasPrefix(word, "#") {
			break
		}
		words = append(words, strings.NewReplacer("'", "", `"`, "").Replace(word))
	}
	if at := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(word, ">") || word == "<" }); at >= 0 {
		words = words[:at]
	}
	return words
}

// alternatives writes out pause|resume.
func alternatives(words []string) [][]string {
	for i, word := range words {
		if !strings.Contains(word, "|") {
			continue
		}
		var all [][]string
		for one := range strings.SplitSeq(word, "|") {
			all = append(all, slices.Concat(words[:i], []string{one}, words[i+1:]))
		}
		return all
	}
	return [][]string{words}
}

// mentioned is a command in a sentence, with the words behind it up to where the sentence stops.
var mentioned = regexp.MustCompile(`\bweir((?: -{0,2}[a-z0-9][-a-zA-Z0-9=/]*)+)`)

// exists looks for the commands, and the flags behind them, that a sentence mentions. In prose the program may be the subject.
func exists(sentence string, prose bool) error {
	for _, match := range mentioned.FindAllStringSubmatch(sentence, -1) {
		words := strings.Fields(match[1])
		root := newRootCommand()
		root.InitDefaultHelpCmd()
		command, rest, err := root.Find(words)
		switch {
		case err != nil:
			return fmt.Errorf("%q: %w", match[0], err)
		case command == root && prose:
			continue // of Weir itself, that it does something
		case command.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-"):
			return fmt.Errorf("%q: %w", match[0], noSuchCommand(command, rest))
		}
		for _, word := range rest {
			if !strings.HasPrefix(word, "-") {
				continue
			}
			name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
			command.InitDefaultHelpFlag()
			flags := command.Flags()
			flags.AddFlagSet(command.InheritedFlags())
			if flags.Lookup(name) == nil && (len(name) != 1 || flags.ShorthandLookup(name) == nil) {
				return fmt.Errorf("%q: %s has no flag %s", match[0], command.CommandPath(), word)
			}
		}
	}
	return nil
}
