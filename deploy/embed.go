// SPDX-License-Identifier: Apache-2.0

// Package deploy carries the Helm chart inside the binary, so that an install needs nothing but weir itself.
package deploy

import "embed"

// Root is the folder of Chart that holds the chart.
const Root = "chart"

// Chart holds the Helm chart of Weir, with its CRDs, under Root.
//
//go:embed all:chart
var Chart embed.FS
