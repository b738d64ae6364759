// SPDX-License-Identifier: Apache-2.0

// Package manifest holds the Bookinfo example as the objects a user would apply.
package manifest

import _ "embed"

// Application is the Bookinfo Application.
//
//go:embed application.yaml
var Application []byte

// Strategy is the canary that Bookinfo's reviews are released by.
//
//go:embed strategy.yaml
var Strategy []byte
