.DEFAULT_GOAL := help
.PHONY: help run build playground gen migration verify check lint test race fuzz vuln bench microbench

TESTED := go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...
OWN = $(shell $(TESTED) | grep -vE '/test/|/internal/bench$$')
# These bound times or load the processors: two run at a time. The former mostly waits.
APART = ./test/faults ./test/abuse ./internal/bench
# The longest begin first; they wait, mostly.
TOGETHER = $(shell $(TESTED) | grep -E '/test/' | grep -vE '/(abuse|faults)$$') ./internal/accounts ./internal/database $(OWN)
# Hangs end here; no test has a budget of time that a cold cache or a busy machine could exceed.
TIMEOUT = $(if $(TEST_LONG),6h,45m)

# All targets compile as a release does, so that each thing is compiled once.
export CGO_ENABLED = 0
export GOFLAGS := $(filter-out -trimpath,$(shell go env GOFLAGS)) -trimpath
race: export CGO_ENABLED = 1

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: playground ## build the Playground and serve on 127.0.0.1:8080
	go build -o gatehouse . && exec ./gatehouse

build: playground ## build a static binary, ./gatehouse; VERSION=… is what it reports
	go build -ldflags "-s -w $(if $(VERSION),-X github.com/gatehouse/gatehouse/internal/cli.Version=$(VERSION))" -o gatehouse .

playground: web/dist/playground/index.html ## build the Playground and the pages at /account and /admin from npm's packages

web/dist/playground/index.html: $(wildcard web/src/* web/common/* web/account/app/*.js* web/account/*.css web/admin/app/*.js* web/admin/app/*.css clients/typescript/src/*.ts web/*.js web/*.json web/index.html)
	@if command -v npm >/dev/null; then cd web && npm ci --no-audit --no-fund && npm run build; \
	else echo "npm is not there: the pages at /, /account and /admin will say how to build them (apt-get install npm)"; fi

GENERATED ?= ./ent ./graph ./authz ./examples/guard ./internal/bench/baregqlgen

gen: ## regenerate what is generated: from schema.graphql, ent/schema and internal/config
	go generate $(GENERATED)
	cd examples/go && go generate ./...
	go run -ldflags=-s . access > ACCESS.md
	go run internal/config/markdown.go > docs/configuration.md

migration: gen ## write the migrations NAME=… of both databases, from ent/schema
	go run -ldflags=-s ./internal/database/migratediff $(NAME)

verify: gen ## fail when what is generated is not what is committed
	@test -z "$$(git status --porcelain)" || { git status --short; echo "generated files differ: run make gen and commit"; exit 1; }

lint: ## gofmt, go vet and staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go tool staticcheck ./...

check: lint ## the inner loop: lint, and the packages' own tests without their long parts
	@go test -short $(OWN)

test: playground ## run all tests that this machine can run, and list what was skipped; TEST_LONG=name,… runs long forms
	@echo "fifteen to thirty minutes on two cores"
	@rm -f "$(SKIPS)"
	go build -ldflags "-s -w" -o $(PROGRAM) .
	cd examples/go && go vet ./... && go test ./...
	@echo "tests that run together" && TEST_SKIPS="$(SKIPS)" TEST_PROGRAM="$(PROGRAM)" go test $(TESTFLAGS) -vet off -ldflags "-s -w" -timeout $(TIMEOUT) -p 3 $(TOGETHER)
	@echo "tests that run apart" && TEST_SKIPS="$(SKIPS)" TEST_PROGRAM="$(PROGRAM)" go test $(TESTFLAGS) -vet off -ldflags "-s -w" -timeout $(TIMEOUT) -p 2 $(APART)
	@if [ -s "$(SKIPS)" ]; then echo "skipped:"; sort -u "$(SKIPS)" | sed 's/^/  /'; else echo "nothing was skipped"; fi

# test/repo compares files, and test/e2e mostly asks for one thing at a time: test/faults and test/abuse ask the program,
# built with the detector, for many at once.
race: ## run the Go tests with the race detector, without their long parts
	@go test -race -ldflags "-s -w" -short -timeout $(TIMEOUT) $(filter-out %/test/repo %/test/e2e,$(TOGETHER))
	@go test -race -ldflags "-s -w" -short -timeout $(TIMEOUT) -p 1 $(APART)

fuzz: ## fuzz the guard against the second evaluator for 60 s
	go test -run '^$$' -fuzz FuzzPlanAgainstEvaluator -fuzztime 60s ./authz

vuln: ## look for known vulnerabilities in what is linked
	go tool govulncheck ./...

bench: ## measure the built program against its targets: about twenty minutes; BENCHFLAGS=-help lists options
	go run ./internal/bench $(BENCHFLAGS)

microbench: ## run the benchmarks of the packages, ready for benchstat
	go test -run '^$$' -bench . -benchmem -count 6 ./authz ./internal/querylimit ./internal/token ./internal/server

# The program that all tests start, built once.
PROGRAM := $(CURDIR)/.artifacts/gatehouse
SKIPS := $(or $(TMPDIR),/tmp)/gatehouse-skips-$(shell id -u)
