# OpsGuard. `make run` needs Go only; `make test` says what else it needs.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help run build docs test test-go kubernetes transcript test-fuzz test-aws test-fast lint bench sim fuzz e2e validate emulator-up emulator-down deploy-local sam-local browser

# GOARCH is for the functions; what runs here is built for here.
FUNCTIONS_GOARCH := $(GOARCH)
unexport GOARCH

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD := -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
GO_FILES = $(shell git ls-files --cached --others --exclude-standard '*.go')
# Tools are pinned in tools/tools.mod, apart from what the product links.
STATICCHECK := go tool -modfile=tools/tools.mod staticcheck

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-14s %s\n", $$1, $$2}'

run: bin/opsguard ## serve on http://127.0.0.1:3000
	@exec bin/opsguard serve

# Go's own cache knows what is up to date.
.PHONY: bin/opsguard
bin/opsguard:
	@go build $(GOFLAGS_BUILD) -o $@ ./cmd/opsguard

test: lint test-go test-fuzz test-aws ## everything

test-go: kubernetes ## every package with the race detector; the black-box suite, kills, a real browser and Kubernetes among them
	go test -race -timeout 20m ./...

test-fuzz: ## every fuzz target for a second
	@tools/fuzz.sh 1s

test-aws: validate ## the deployed stack on an emulator with IAM enforced
	@infra/emulator/test.sh

# Linking 80 test programs is half of it: without cgo it takes a third less. make lint vets.
test-fast: ## the inner loop: no black-box suite, no race detector, no vetting, no programs built, fewer repetitions
	CGO_ENABLED=0 go test -short -vet=off $$(go list ./... | grep -v /infra/e2e)

lint:
	@command -v cc >/dev/null || { echo "make test needs a C compiler (cc) for the race detector; install gcc or clang"; exit 1; }
	@bad=$$(gofmt -l $(GO_FILES)); [ -z "$$bad" ] || { echo "gofmt would change:"; echo "$$bad"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...

bench: ## figures as a table; the machine should be quiet
	@go run ./infra/bench
	@infra/emulator/bench.sh

SEEDS ?= 10000
sim: ## deterministic simulation, SEEDS=n
	go test ./infra/local/sim -run TestSim -count=1 -timeout 60m -args -seeds=$(SEEDS)

TIME ?= 30s
fuzz: ## every fuzz target, TIME=d each
	@tools/fuzz.sh $(TIME)

e2e: ## the black-box suite against OPSGUARD_URL
	@[ -n "$$OPSGUARD_URL" ] || { echo "set OPSGUARD_URL, and OPSGUARD_INGEST_KEY, OPSGUARD_OPERATE_KEY, OPSGUARD_READ_KEY if it has keys"; exit 1; }
	go test -count=1 -run TestDeployment -v ./infra/e2e

build: ## the Lambda binaries, into dist/; ARCHITECTURE=x86_64 for such machines
	@for f in $$(ls functions | grep -v Makefile); do \
	  mkdir -p dist/$$f; \
	  ARTIFACTS_DIR=$(CURDIR)/dist/$$f $(if $(FUNCTIONS_GOARCH),GOARCH=$(FUNCTIONS_GOARCH)) $(MAKE) --no-print-directory -C functions build-$$f || exit 1; done; ls -l dist/*/bootstrap

docs: ## write what the documents have from the code: settings, fixes, routes, integrations, severities, rules, redaction
	go test ./infra/local -run '^TestThe(Settings|Fixes|Routes|Integration|Severities|Rules)' -count=1 -args -update
	go test ./pkg/redact -run '^TestTheCorpus' -count=1 -args -update

validate: ## template and definition, checked
	@infra/emulator/validate.sh

emulator-up: ## the AWS emulator on 127.0.0.1:4566, IAM enforced
	@infra/emulator/up.sh

emulator-down:
	@infra/emulator/down.sh

deploy-local: ## build and deploy to the emulator; prints the URL and keys
	@infra/emulator/deploy.sh

sam-local: ## sam local with every sample event, where there is a Docker engine
	@infra/emulator/sam-local.sh

# A real control plane for tests, pinned in tools/kubernetes, a module of its own. It is
# built once, which takes up to 15 minutes on two cores.
KUBERNETES := .tools/kubernetes
KUBERNETES_VERSION = $(shell sed -n 's|^\tk8s.io/kubernetes ||p' tools/kubernetes/go.mod)
kubernetes: $(KUBERNETES)/etcd $(KUBERNETES)/kube-apiserver $(KUBERNETES)/kube-controller-manager ## etcd, kube-apiserver and kube-controller-manager, into .tools/kubernetes

$(KUBERNETES)/etcd: tools/kubernetes/go.mod tools/kubernetes/go.sum
	cd tools/kubernetes && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o $(CURDIR)/$@ go.etcd.io/etcd/server/v3
	@touch $@

$(KUBERNETES)/kube-%: tools/kubernetes/go.mod tools/kubernetes/go.sum
	cd tools/kubernetes && CGO_ENABLED=0 go build -trimpath \
	  -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$(KUBERNETES_VERSION)" -o $(CURDIR)/$@ k8s.io/kubernetes/cmd/kube-$*
	@touch $@

transcript: kubernetes bin/opsguard ## record docs/kubernetes-rollback.md on a real control plane; needs curl and jq
	go run ./infra/cluster/transcript $(KUBERNETES) bin/opsguard docs/kubernetes-rollback.md

browser: ## the Chromium that the browser tests run, into .tools/browser
	@node infra/e2e/browser/install.mjs
