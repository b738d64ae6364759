#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures, on a local cluster of its own: seconds from the decision over a weight until each of twenty proxies serves it,
# and from the verdict over a bad version until no proxy sends it anything.
#
#   sudo bench/propagation.sh
set -eu
cd "$(dirname "$0")/.."
go test -tags hitless -run XXX -bench Propagation -benchtime 1x -count 1 -timeout 20m ./test/hitless
