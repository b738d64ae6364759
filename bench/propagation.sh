#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures, on a local cluster of its own: seconds from the write of a weight until each of twenty proxies serves it, as they
# say themselves (served), from the decision until the controller knows that (seen), the same for a write of a route that nobody
# governs (bare), and from the verdict over a bad version until no proxy sends it anything (back).
#
#   sudo bench/propagation.sh
set -eu
cd "$(dirname "$0")/.."
go test -tags hitless -run XXX -bench Propagation -benchtime 1x -count 1 -timeout 20m ./test/hitless
