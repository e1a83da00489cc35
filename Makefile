# The commands of this project. `make` alone prints them.
#
# Each works on a fresh machine that has Go, Node, make and git: scripts/setup.sh installs
# what is missing (Debian's packages, npm's, Go's modules, and nothing else).

MAKEFLAGS += --no-print-directory
BIN := bin/peisear
TOOL := go tool -modfile=tools/go.mod
PHASE := scripts/phase.sh
NODES := e2e/nodes

# Two phases at once on two cores, with the output of each in one piece where make can.
TWO := -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

# What the built page is made of.
WEB_SOURCES := $(shell find web -name node_modules -prune -o -name dist -prune -o -name generated -prune -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help run dev build test check fmt prepare migrate migrate-add gen-jwt-keys bench crash clean \
	targets setup setup-web setup-test binary go-test nodes-test web-test browser-test go-check drift-check web-check e2e-types

##@ Use

run: setup build ## build everything and start it on http://localhost:3000 with ./data/app.db
	$(BIN)

build: setup-web web/dist/index.html binary ## the page, then bin/peisear with the page inside

gen-jwt-keys: ## a new key pair as lines for .env
	@go run ./cmd/peisear gen-jwt-keys

migrate: ## bring the database (DATABASE_URL) to this version
	@go run ./cmd/peisear migrate

##@ Work

dev: setup-web ## the API on :3000, rebuilt on change, and the page on :5173; Ctrl-C ends both
	@scripts/dev.sh

test: setup-test ## everything: Go with -race on both engines, vitest, svelte-check, Playwright in Chromium
	@$(PHASE) "build" $(MAKE) build
	@echo "==> Go tests and web tests, side by side"
	@$(MAKE) $(TWO) go-test web-test
	@$(MAKE) nodes-test
	@$(PHASE) "browser tests" $(MAKE) browser-test

check: setup-test ## format, vet, lint, generated files, types: everything that needs no running app
	@echo "==> checks of Go and of the web, side by side"
	@$(MAKE) $(TWO) go-check web-check
	@$(PHASE) "generated files" $(MAKE) drift-check

fmt: setup-web ## format Go, TypeScript, Svelte, YAML
	gofmt -w cmd internal e2e bench web/*.go
	cd web && npm run --silent fmt
	web/node_modules/.bin/prettier --log-level warn --write .

prepare: setup-web ## regenerate: queries.sql -> query/, api/openapi.json, the page's API types
	scripts/sqlc.sh
	mkdir -p api && go run ./cmd/peisear openapi >api/openapi.json.new && mv api/openapi.json.new api/openapi.json
	cd web && npm run --silent api

migrate-add: ## a new migration: make migrate-add SLICE=tracker/issue NAME=add_labels
	@scripts/migrate-add.sh "$(SLICE)" "$(NAME)"

bench: setup-test build ## the benchmarks of bench/, and tables of them in bench/results (BENCH=Server/sqlite for some)
	go test -run '^$$' -bench '$(or $(BENCH),.)' -timeout 3h ./bench | go run ./bench/table -o bench/results/latest
	$(if $(BENCH),,cd web && node_modules/.bin/playwright test --config ../e2e/playwright/bench.config.ts)

crash: ## kill the app, or PostgreSQL under it, 200 times under load on each engine, and compare each time
	CRASH_KILLS=200 CRASH_KILLS_POSTGRES=200 go test -count=1 -timeout 60m -run '^TestKilled$$' -v ./e2e/crash

clean: ## remove what was built; ./data stays
	rm -rf bin .prepare e2e/playwright/results
	find web/dist -mindepth 1 ! -name .gitkeep -delete

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

# The steps of the above; each can be called alone.

targets: setup-test # every command of the list, from a fresh clone, on throw-away data
	@scripts/targets.sh

setup: setup-web
setup-web:
	@scripts/setup.sh web
setup-test:
	@scripts/setup.sh web test

web/dist/index.html: $(WEB_SOURCES)
	cd web && npm run --silent build

binary:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/peisear

go-test:
	@$(PHASE) "Go tests, -race, SQLite and PostgreSQL" sh -c 'all=$$(go list ./...) && go test -race $$(echo "$$all" | grep -v "/$(NODES)$$")'

# They hold how soon several nodes hear of each other, so nothing else runs beside them.
nodes-test:
	@$(PHASE) "tests of several nodes, -race" go test -race ./$(NODES)

web-test:
	@$(PHASE) "vitest" sh -c 'cd web && npm run --silent test'
	@$(PHASE) "svelte-check" sh -c 'cd web && npm run --silent texts && node_modules/.bin/svelte-check --fail-on-warnings --tsconfig ./tsconfig.json'

browser-test: e2e-types
	cd web && node_modules/.bin/playwright test --config ../e2e/playwright/playwright.config.ts $(SPEC)

go-check:
	@$(PHASE) "gofmt" sh -c 'test -z "$$(gofmt -l cmd internal e2e bench web/*.go | tee /dev/stderr)"'
	@$(PHASE) "go vet" go vet ./...
	@$(PHASE) "golangci-lint" $(TOOL) golangci-lint run
	@$(PHASE) "requirements table" go test -run '^TestDocs' ./internal

web-check: e2e-types
	@$(PHASE) "eslint" sh -c 'cd web && npm run --silent texts && node_modules/.bin/eslint . --max-warnings 0 && cd .. && \
		web/node_modules/.bin/eslint --config web/eslint.config.js --rule no-console:off --rule no-restricted-globals:off --max-warnings 0 e2e/playwright'
	@$(PHASE) "prettier" sh -c 'cd web && node_modules/.bin/prettier --log-level warn --check . && cd .. && \
		web/node_modules/.bin/prettier --log-level warn --check .'

drift-check:
	@$(PHASE) "built files" scripts/built-files.sh
	@$(PHASE) "queries" env CHECK=1 scripts/sqlc.sh
	@$(PHASE) "API description" scripts/api-drift.sh

e2e-types:
	web/node_modules/.bin/tsc -p e2e/playwright
