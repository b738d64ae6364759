// SPDX-License-Identifier: Apache-2.0

// Command pack writes the folder named first as the archive named second. It is run by go generate.
package main

import (
	"fmt"
	"os"

	"weir.dev/weir/cluster/part/archive"
)

func main() {
	if err := pack(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: pack FOLDER ARCHIVE")
	}
	packed, err := archive.Pack(args[0])
	if err != nil {
		return err
	}
	return os.WriteFile(args[1], packed, 0o644)
}
