#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures, on a local cluster of its own, how long it takes from the apply of Bookinfo until all its pods are ready, sidecars
# included, and until the page comes through the gateway, with all that it is made of.
#
#   sudo bench/apply.sh [runs]     (default 5; prints one line a run, and the median)
set -eu
cd "$(dirname "$0")/.."
runs=${1:-5}
work=$(mktemp -d)
export WEIR_CLUSTER=bench-apply WEIR_STATE_DIR=/var/lib/weir-bench-apply
CGO_ENABLED=0 go build -o "$work/" ./cmd/weir ./examples/bookinfo ./bench/apply
trap '"$work/weir" cluster down; rm -rf "$work"' EXIT
"$work/weir" demo >/dev/null
"$work/apply" -name "$WEIR_CLUSTER" -state-dir "$WEIR_STATE_DIR" -manifest examples/bookinfo/manifest -runs "$runs"
