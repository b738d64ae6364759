#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures the webhooks against a real API server: how long an answer takes at 500 questions a second on one core, and how
# long a write takes with and without them, by turns.
#
#   bench/webhook.sh
set -eu
cd "$(dirname "$0")/.."
go test -tags api -run XXX -bench 'Answer|Write' -benchtime 1x -count 1 ./test/webhook
