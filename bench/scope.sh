#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures, on a local cluster of its own, how many bytes of configuration istiod sends to a proxy that starts, in an
# application of two hundred services: all there is in the mesh, and with scopeFromUses.
#
#   sudo bench/scope.sh
set -eu
cd "$(dirname "$0")/.."
go test -tags hitless -run XXX -bench Scope -benchtime 1x -count 1 -timeout 20m ./test/hitless
