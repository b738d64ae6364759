# SPDX-License-Identifier: Apache-2.0
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# One static binary: the same file runs here and, alone, in the image.
export CGO_ENABLED := 0

.PHONY: help
help: ## Show what can be done
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Show a canary release of Bookinfo on a real mesh on this machine
	./bin/weir demo

.PHONY: test
test: build ## Run every test: unit, Istio's opinion, API server, end to end on a local cluster, and no request lost under load
	go run ./hack/test unit istio api e2e hitless

.PHONY: test-unit
test-unit: ## Run the tests that need nothing but Go
	go run ./hack/test unit

.PHONY: test-api
test-api: ## Run the tests against a real kube-apiserver
	go run ./hack/test api

.PHONY: test-crash
test-crash: ## Let the controllers die and be misled at every write of every kind of release
	go run ./hack/test crash

.PHONY: test-mutation
test-mutation: ## Write every field of every kind wrong in every way, those of an Application in every state it can be in
	go run ./hack/test mutation

.PHONY: test-admission
test-admission: ## Prove that the webhooks hurt nobody, and that Kubernetes takes what they admit
	go run ./hack/test admission

.PHONY: explore
explore: ## Visit every state that a release can get into, of every type, and show that each comes to an end
	go run ./hack/test explore

.PHONY: test-istio
test-istio: ## Ask Istio itself what it thinks of every prefix of our writes
	go run ./hack/test istio

.PHONY: fuzz
fuzz: ## Change applications and strategies at random for five minutes, and ask Istio what it thinks of all that is made of them
	go run ./hack/test fuzz

.PHONY: simulate
simulate: ## Let the engine judge 10,000 good and bad versions, and count how often it is wrong
	go run ./test/simulation

.PHONY: test-e2e
test-e2e: build ## Run the tests on a local cluster
	go run ./hack/test e2e

.PHONY: test-hitless
test-hitless: ## Prove under load, without retries, that no transition loses a request (WEIR_HITLESS=long for a million requests, adopt for what others made, scripts for test/scenario)
	go run ./hack/test hitless

.PHONY: build
build: ## Build bin/weir, and bin/bookinfo for the demo
	go build -trimpath -ldflags '-s -w -X main.linkedVersion=$(VERSION)' -o bin/ ./cmd/weir ./examples/bookinfo

.PHONY: generate
generate: ## Write the generated code and the CRDs anew
	go generate ./...

.PHONY: lint
lint: ## Run the linters (the first time builds them, a few minutes)
	$(GOLANGCI_LINT) run ./...
	cd test/prefix/istio && $(GOLANGCI_LINT) run ./...

.PHONY: format
format: ## Format the code and put the imports in order
	$(GOLANGCI_LINT) fmt ./...

.PHONY: verify
verify: generate lint ## Check that generated files are up to date and the linters are content
	@git diff --exit-code -- api deploy || { echo 'generated files were out of date; commit the ones above'; exit 1; }

.PHONY: bench
bench: ## Measure what docs/benchmarks.md states
	for script in bench/*.sh; do sh "$$script"; done

.PHONY: clean
clean: ## Remove what was built here (the parts of the local cluster stay in the cache)
	rm -rf bin
