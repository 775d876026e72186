.DEFAULT_GOAL := help
.PHONY: help run build playground gen verify lint test race fuzz vuln bench microbench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: playground ## build the Playground and serve on 127.0.0.1:8080
	go build -o gatehouse . && exec ./gatehouse

build: playground ## build a static binary: ./gatehouse
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o gatehouse .

playground: web/dist/playground/index.html ## build the Playground's page from npm's packages

web/dist/playground/index.html: $(wildcard web/src/* web/*.js web/*.json web/index.html)
	@if command -v npm >/dev/null; then cd web && npm ci --no-audit --no-fund && npm run build; \
	else echo "npm is not there: the page at / will say how to build the Playground (apt-get install npm)"; fi

gen: ## regenerate what is generated: from schema.graphql, ent/schema and a library
	go generate ./ent ./graph ./authz ./examples/guard ./internal/password/argon2
	cd examples/go && go generate ./...
	go run . access > ACCESS.md

verify: gen ## fail when what is generated is not what is committed
	@test -z "$$(git status --porcelain)" || { git status --short; echo "generated files differ: run make gen and commit"; exit 1; }

lint: ## gofmt, go vet and staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go tool staticcheck ./...

test: playground ## run all tests that this machine can run, and list what was skipped
	@rm -f "$(SKIPS)"
	cd examples/go && go vet ./... && go test ./...
	TEST_SKIPS="$(SKIPS)" go test $(TESTFLAGS) ./...
	@if [ -s "$(SKIPS)" ]; then echo "skipped:"; sort -u "$(SKIPS)" | sed 's/^/  /'; else echo "nothing was skipped"; fi

race: ## run the Go tests with the race detector, the long ones shortened
	go test -race -short ./...

fuzz: ## fuzz the guard against the second evaluator for 60 s
	go test -run '^$$' -fuzz FuzzPlanAgainstEvaluator -fuzztime 60s ./authz

vuln: ## look for known vulnerabilities in what is linked
	go tool govulncheck ./...

bench: ## measure the built program against the figures it must keep: ten minutes at most
	go run ./internal/bench $(BENCHFLAGS)

microbench: ## run the benchmarks of the packages, ready for benchstat
	go test -run '^$$' -bench . -benchmem -count 6 ./authz ./graph

SKIPS := $(or $(TMPDIR),/tmp)/gatehouse-skips-$(shell id -u)
