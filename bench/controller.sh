#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures the controllers against a real API server: from the write of a Release until the VirtualService follows; and two
# thousand applications, of two components and with a strategy each: seconds until all are reconciled, new and after a
# restart, memory, and writes while idle.
#
#   bench/controller.sh [idle]     (how long to watch it idle; default 20s)
set -eu
cd "$(dirname "$0")/.."
go test -tags api -run XXX -bench ReleaseWriteToRoute -benchtime 200x -count 1 ./test/controller
WEIR_SCALE_IDLE=${1:-20s} go test -tags api -run XXX -bench Start -benchtime 1x -count 1 -timeout 60m ./test/scale
