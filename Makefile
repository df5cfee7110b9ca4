# Kindling's recipes. `make` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .build/debug/kindling

.PHONY: help demo run test torture check collection fuzz bench bench-git bench-ledger bench-apps bench-registry fmt proto golden release clean

help: ## list the recipes
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: ## from a source tree to an image and to an app that answers, on this machine alone
	@.ci/install build demo
	swift build --product kindling
	@Tests/Demo/demo $(BIN)

run: ## build and start a server on the default data directory
	@.ci/install build
	swift build --product kindling && exec $(BIN) start

# The test bundle by name, because --build-tests would also compile the protoc of a dependency; one test after the
# other, because many of them start servers, builds and other people's clients of their own.
test: ## install what is needed and pass every test
	@.ci/install build test
	.ci/python && swift build --product kindling && swift build --product kindlingPackageTests
	swift test --skip-build --no-parallel

check: ## floors, imports, format and generated code
	@.ci/install build test
	.ci/check && swift format lint --strict --parallel --recursive Sources Tests Package.swift
	Sources/API/Proto/generate --check

torture: ## kill a busy server two hundred times and check what it had acknowledged: make torture ROUNDS=50
	@.ci/install build test
	.ci/python && swift build --product kindling && swift build --product kindlingPackageTests
	KINDLING_TORTURE_ROUNDS=$(or $(ROUNDS),200) swift test --skip-build --filter TortureTests

collection: ## a thousand images pushed, deleted and pushed again while the server collects, and a hundred kills
	@.ci/install build test
	.ci/python && swift build --product kindling && swift build --product kindlingPackageTests
	KINDLING_COLLECTION_CYCLES=$(or $(CYCLES),1000) KINDLING_COLLECTION_KILLS=$(or $(KILLS),100) \
	  swift test --skip-build --filter ForeignTests.CollectionTests/concurrent

fuzz: ## five minutes of wild bytes for what reads those of strangers
	@.ci/install build test
	Tests/Fuzz/run

bench: ## figures against buildah, as ratios from the same run: make bench WORKLOADS=trivial,files RUNS=3
	@.ci/install build test bench
	swift build -c release --product kindling && Tests/Bench/run .build/release/kindling \
	  $(if $(WORKLOADS),--workloads $(WORKLOADS)) $(if $(RUNS),--runs $(RUNS))

bench-git: ## fetching a commit, against git, libgit2 and dulwich
	@.ci/install build test
	.ci/python bench && swift build -c release --product kindling && Tests/Bench/git .build/release/kindling

bench-registry: ## pushing and pulling, against docker-registry: make bench-registry SIZE=256 RUNS=3
	@.ci/install build test
	swift build -c release --product kindling && Tests/Bench/registry .build/release/kindling $(or $(SIZE),1024) $(or $(RUNS),3)

bench-ledger: ## starting and listing with a million builds in the ledger
	@.ci/install build test
	swift build -c release --product kindling && Tests/Bench/ledger .build/release/kindling

bench-apps: ## calls by host name against calls of the same program, cold starts, idle apps
	@.ci/install build test
	swift build -c release --product kindling && Tests/Bench/apps .build/release/kindling $(SECONDS_EACH)

fmt: ## format the sources
	swift format --in-place --parallel --recursive Sources Tests Package.swift

proto: ## write the generated code anew
	@.ci/install build test
	Sources/API/Proto/generate

golden: ## write the golden files anew; read the diff before committing it
	swift build --product kindlingPackageTests && KINDLING_GOLDEN=write swift test --skip-build

release: ## an optimised, stripped binary in .build/release
	@.ci/install build
	swift build -c release --product kindling -Xlinker -s

clean: ## remove what was built
	swift package clean
