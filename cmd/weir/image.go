// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"weir.dev/weir/cluster/image"
)

// nobody runs the controller: a user without name, home or rights.
const nobody = "65532:65532"

func newImageCommand() *cobra.Command {
	command := &cobra.Command{Use: "image", Short: "Make the container image of weir"}
	command.AddCommand(newImageBuildCommand())
	return command
}

func newImageBuildCommand() *cobra.Command {
	var out string
	command := &cobra.Command{
		Use:   "build",
		Short: "Make the image out of this very binary and print its name",
		Long: "Makes a docker archive out of the binary that runs, which `docker load`, `podman load` and containerd take.\n" +
			"The name of the image changes with the binary, so a cluster never runs an old one by mistake.",
		Example: "  weir image build -o weir.tar && docker load -i weir.tar",
		RunE: func(command *cobra.Command, _ []string) error {
			reference, err := buildImage(out)
			if err != nil {
				return err
			}
			fmt.Fprintln(command.OutOrStdout(), reference)
			return nil
		},
	}
	command.Flags().StringVarP(&out, "output", "o", "weir.tar", "file to write")
	return command
}

// buildImage writes the image of the running binary to out, as a docker archive, and returns the image's name.
func buildImage(out string) (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the running binary: %w", err)
	}
	if err := checkStatic(executable); err != nil {
		return "", err
	}
	sum, err := sumOf(executable)
	if err != nil {
		return "", fmt.Errorf("read the running binary: %w", err)
	}
	spec := image.Spec{
		Tag:        fmt.Sprintf("weir.local/weir:%s-%s", buildVersion(), sum[:8]),
		Entrypoint: []string{"/weir"},
		User:       nobody,
		Files:      []image.File{{Path: "/weir", Source: executable, Mode: 0o755}},
	}
	return spec.Tag, image.Build(spec, out)
}

// checkStatic refuses a binary that needs libraries, because the image has none.
func checkStatic(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no Linux program: %w; build the image on Linux", path, err)
	}
	defer file.Close()
	for _, section := range file.Progs {
		if section.Type == elf.PT_INTERP {
			return fmt.Errorf("%s needs shared libraries, which the image does not have; "+
				"build it with `make build`, or with CGO_ENABLED=0", path)
		}
	}
	return nil
}

func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}
