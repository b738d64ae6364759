#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures the local cluster, with the parts built before: seconds from nothing to the first answer by mutual TLS
# through two Envoys, seconds of a second up, and the memory of control plane and node.
#
#   sudo bench/cluster.sh [runs]     (default 5; prints one line a run, and the medians)
set -eu
cd "$(dirname "$0")/.."
runs=${1:-5}
work=$(mktemp -d)
export WEIR_CLUSTER=bench WEIR_STATE_DIR=/var/lib/weir-bench
weir="$work/weir"
CGO_ENABLED=0 go build -o "$weir" ./cmd/weir
CGO_ENABLED=0 go build -o "$work/bench-echo" ./test/e2e/echo
CGO_ENABLED=0 go build -o "$work/trial" ./bench/cluster
trap '"$weir" cluster down; rm -rf "$work"' EXIT
"$weir" cluster down
"$work/trial" -weir "$weir" -echo "$work/bench-echo" -manifest test/e2e/echo/echo.yaml -runs "$runs"
