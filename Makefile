# Everything a developer runs. `make help` lists it.

GO      ?= go
BIN     := bin/spacewasm
PKGS    := ./...
# These have nothing for the race detector, which takes minutes for them: two have no goroutines but large corpora, the
# tests of the program are clients of another process, and SQLite's are about how soon a query ends; of these, the ones
# that use connections from several goroutines are run with it all the same.
RACELESS := cmd/spacewasm wasi/internal/instrument wasi/internal/binary wasi/internal/sqlite wasi/micro/sqlite wasi/micro/sqlite/sqlitetest
SHARED   := TestConcurrency|TestBudget|TestState|TestNothingCrosses
STD     := os io/fs path/filepath syscall time strings sort encoding/json compress/gzip archive/zip archive/tar \
           html/template net/http net/http/cgi database/sql regexp math/big testing/fstest
# Of which `make test` runs those that ask the sandbox most.
STDPART := os io/fs syscall

# Tools run by version, so that go.mod holds only what the product is made of.
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT  := mvdan.cc/gofumpt@v0.12.0

EXAMPLES := $(patsubst examples/%/main.go,examples/%/main.wasm,$(wildcard examples/*/main.go examples/*/*/main.go)) \
            $(patsubst examples/%/main.c,examples/%/main.wasm,$(wildcard examples/*/main.c examples/*/*/main.c))
EXAMPLES := $(filter-out %/generate/main.wasm,$(EXAMPLES)) # which run here
# Rust where a compiler is there that has the target (Debian: rustc, libstd-rust-dev-wasm32).
RUSTC    := $(shell for r in rustc /usr/bin/rustc; do \
              d=$$($$r --print target-libdir --target wasm32-wasi 2>/dev/null) && [ -d "$$d" ] && echo $$r && break; done)
ifneq ($(RUSTC),)
EXAMPLES += $(patsubst examples/%/main.rs,examples/%/main.wasm,$(wildcard examples/*/main.rs))
endif
GUESTS   := $(patsubst %.wat,%.wasm,$(wildcard wasi/wasitest/guests/*.wat)) \
            $(patsubst %.c,%.wasm,$(wildcard wasi/wasitest/guests/*.c))

# Not a file's rule: it looks itself whether the database is what it would write.
CATALOG  := examples/catalog/catalog.db

.PHONY: help build examples catalog guests demo check test test-std test-cgi soak bench bench-engine deps fmt clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

build: ## the program, in bin/; without cgo, so that its children can be kept from files
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/spacewasm

examples: deps $(EXAMPLES) catalog ## the examples' modules and the database of one, from source

catalog:
	@$(GO) run ./examples/catalog/generate -out $(CATALOG)

examples/%/main.wasm: FORCE
	@if [ -f examples/$*/main.go ]; then \
	  mode=exe; if grep -q wasi/micro examples/$*/main.go; then mode=c-shared; fi; \
	  echo "go build examples/$*"; GOOS=wasip1 GOARCH=wasm $(GO) build -trimpath -buildmode=$$mode -o $@ ./examples/$*; \
	elif [ -f examples/$*/main.rs ]; then \
	  echo "rustc examples/$*"; $(RUSTC) --target wasm32-wasi -C opt-level=z -C lto -C panic=abort -C strip=symbols -o $@ examples/$*/main.rs; \
	else \
	  model=command; if grep -q handle_request examples/$*/main.c; then model=reactor; fi; \
	  echo "clang examples/$*"; clang --target=wasm32-wasi -Os -Wall -mexec-model=$$model -o $@ examples/$*/main.c; \
	fi
FORCE:

guests: deps $(GUESTS) ## the small guests of the unit tests, from their source (committed)

wasi/wasitest/guests/%.wasm: wasi/wasitest/guests/%.c
	clang --target=wasm32-wasi -Os -Wall -Wl,--strip-all -o $@ $<
wasi/wasitest/guests/sqlite_c.wasm: wasi/micro/sqlite/spacewasm_sqlite.h

%.wasm: %.wat
	wat2wasm --enable-threads -o $@ $<

demo: build examples ## serve the examples and print their addresses; Ctrl-C ends it
	@sh examples/demo.sh $(BIN)

check: ## format, lint, vet, layers, a clean tree; quick
	@before=$$(git status --porcelain); \
	$(GO) mod tidy && $(GO) run $(GOFUMPT) -l -w bench cmd examples host wasi && \
	if [ "$$before" != "$$(git status --porcelain)" ] || [ -n "$$CI" -a -n "$$before" ]; then \
	  echo "check changed files, or the tree was not clean: look at git diff and commit"; git status --short; exit 1; fi
	$(GO) vet -stdmethods=false $(PKGS)
	$(GO) run $(GOLANGCI) run
	$(GO) test -run '^TestLayers$$' ./cmd/spacewasm

test: deps examples ## installs what the tests need and runs all of them
	@echo "with the race detector, and beside it those that have no use for it"; \
	log=$$(mktemp -d); trap 'rm -rf $$log' EXIT; \
	{ $(GO) test -p 1 -timeout 20m $(foreach p,$(RACELESS),./$(p)); echo $$? > $$log/beside; } 2>&1 | tee $$log/1 & \
	{ $(GO) test -p 1 -race -timeout 20m $$($(GO) list $(PKGS) | grep -v $(foreach p,$(RACELESS),-e '/$(p)$$')) && \
	  $(GO) test -race -timeout 10m -run '$(SHARED)' ./wasi/internal/sqlite; echo $$? > $$log/with; } 2>&1 | tee $$log/2; \
	wait; \
	if [ "$$(cat $$log/beside $$log/with | tr -d '\n')" != 00 ]; then \
	  echo "what has failed:"; grep -h -A3 -e '^ *--- FAIL' -e '^panic:' -e '^FAIL' -e 'DATA RACE' $$log/1 $$log/2 | head -200 | cut -c1-400; exit 1; fi
	@echo "pictures of the console, as the browser showed it: $(CURDIR)/bin/screenshots"
	@# its figures are those of a machine that does nothing else, without the race detector
	$(GO) test -count=1 -run '^TestManyActions$$' ./host/schedule
	@$(MAKE) --no-print-directory test-std STD="$(STDPART)"

test-std: build ## Go's own tests of some packages, as guests, and its tests of WASI hosts
	PATH="$(CURDIR)/cmd/spacewasm/testdata/exec:$(CURDIR)/bin:$$PATH" sh cmd/spacewasm/testdata/exec/std.sh $(GO) $(STD)

test-cgi: ## Go's own tests of a CGI host, over our port; a part of `make test`
	$(GO) test -count=1 -run '^TestE2EGoCGI$$' ./cmd/spacewasm

soak: deps ## ten minutes at full load, after which the server holds what it held before
	SPACEWASM_SOAK=10m $(GO) test -count=1 -timeout 30m -run '^TestE2ESoak$$' -v ./cmd/spacewasm

bench: build examples ## the project's claims against its peers, on this machine; writes them into docs/benchmarks.md
	@command -v wrk >/dev/null 2>&1 || apt-get install -y -qq --no-install-recommends wrk >/dev/null || { echo "please install: wrk"; exit 1; }
	$(GO) run ./bench/suite -out docs/benchmarks.md
	$(GO) test -run '^$$' -bench Telemetry -benchtime 40x ./host

bench-engine: deps ## the figures of the engine's own parts in docs/benchmarks.md
	$(GO) test -run '^$$' -bench Metering -benchtime 80x -v ./wasi/internal/instrument
	$(GO) test -run '^$$' -bench 'Reset|Clone' ./wasi/internal/memory
	$(GO) test -run '^$$' -bench CGI -benchtime 5s ./wasi
	$(GO) test -run '^$$' -bench Reactor -benchtime 100x ./wasi
	$(GO) test -run '^$$' -bench Wake -benchtime 50x ./wasi

deps: ## the guests' C compiler and WebAssembly tools, from the system's packages
	@sh .ci/deps

clean: ## what was built
	rm -rf bin $(EXAMPLES) $(CATALOG)
