# `make help` lists what there is. Everything but rustup is installed when it is missing.

.DEFAULT_GOAL := help
SHELL := /bin/bash

CARGO_DENY := 0.20.2
CARGO_FUZZ := 0.13.2
CARGO_CYCLONEDX := 0.5.7
MDBOOK_VERSION := 0.5.4
TOOLS := target/tools
DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY)/bin/cargo-deny
CYCLONEDX := $(TOOLS)/cargo-cyclonedx-$(CARGO_CYCLONEDX)/bin/cargo-cyclonedx
FUZZ := $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ)/bin/cargo-fuzz
MDBOOK := $(TOOLS)/mdbook-$(MDBOOK_VERSION)/bin/mdbook
ACTIONLINT := $(TOOLS)/actionlint
ACTIONLINT_MODULE := tests/tools/actionlint
H2SPEC := $(TOOLS)/h2spec
H2SPEC_MODULE := tests/tools/h2spec
OAUTH2_PROXY := $(TOOLS)/oauth2-proxy
OAUTH2_PROXY_MODULE := tests/tools/oauth2-proxy
ARGO_ROLLOUTS := $(TOOLS)/argo-rollouts/controller
ARGO_ROLLOUTS_MODULE := tests/tools/argo-rollouts
GATEWAY_CONFORMANCE := $(TOOLS)/gateway-conformance
GATEWAY_CONFORMANCE_MODULE := tests/tools/gateway-conformance
# The CustomResourceDefinitions of Gateway API.
GATEWAY_CRDS := $(GATEWAY_CONFORMANCE)/crds
# The names by which the suite knows its backend.
GATEWAY_BACKENDS := $(patsubst %,target/image/test/gateway-backend-%.tar,v0.1.0 v0.2.0)
HELM := $(TOOLS)/helm
HELM_MODULE := tests/tools/helm
PROXIES := $(TOOLS)/proxies
# Checks pages for those who see badly or use a keyboard.
AXE_VERSION := 4.11.0
AXE_SHA256 := 39bed7d72308f6d620789c169d699bfd7e8da80f65b545821a6b2215c3e83107
AXE := $(TOOLS)/axe-core/axe.min.js
CORE_RULES := $(TOOLS)/core-rules
CORE_RULES_MODULE := manifests/core-rules
TEST_IMAGES := $(patsubst %,target/image/test/%.tar,adit echo oauth2-proxy argo-rollouts nginx)
ADVISORIES := https://github.com/RustSec/advisory-db
FUZZ_SECONDS ?= 600
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# A release has the name by which it is pushed.
IMAGE_NAME ?= adit.dev/adit
IMAGE := $(IMAGE_NAME):$(VERSION)
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
ADIT_IMAGE = manifests/image --name $(IMAGE) --output $@ --strip --certificates --net-bind-service \
	--label org.opencontainers.image.title=Adit --label org.opencontainers.image.licenses=Apache-2.0 \
	--label org.opencontainers.image.version=$(VERSION) --label org.opencontainers.image.revision=$(COMMIT) \
	--tree $(CORE_RULES) etc/adit/owasp-crs $<
# What the tests speak to Adit with, beside clients of their own, and look into it.
CLIENTS := openssl nghttp2-client:h2load strace prometheus apache2-utils:htpasswd php-fpm:php-fpm* \
	'chromium-headless-shell:@(chromium|chromium-headless-shell|google-chrome)'
# What proxies are measured with, and those that Debian has.
BENCH_TOOLS := nghttp2-client:h2load strace python3-pip:pip3 nginx haproxy
# With the program, so that what both depend on is built once.
BUILD_BENCH := ADIT_COMMIT=$(COMMIT) cargo build --release --locked -p adit-controller -p adit-benches --bin adit

# The program of the image. A release has the one that `make pgo` builds.
PROGRAM ?= target/release/adit
# Where `make pgo` keeps what it has seen, and the groups of the load that it looks at.
PROFILES := $(CURDIR)/target/pgo/profiles
PROFILED := small 10k post connections tls handshakes http2-streams grpc websocket access-log

export PATH := $(HOME)/.cargo/bin:$(PATH):/usr/local/go/bin

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: prerequisites ## Serve three echo Services through one Ingress; with a terminal, until Ctrl-C
	@manifests/demo/run

.PHONY: test
test: ## Run all tests, those in a real cluster as well; says how long each part took
	@.ci/part --none
	@status=0; for part in test-fast test-cluster; do $(MAKE) --no-print-directory $$part || status=1; done; \
		.ci/part --all; exit $$status

.PHONY: test-fast
test-fast: clients $(H2SPEC) $(HELM) $(AXE) $(CORE_RULES)/crs-setup.conf ## Run all tests but those in a cluster
	@.ci/part "building" cargo test --workspace --locked --no-run
	@.ci/part "tests without a cluster" cargo test --workspace --locked --no-fail-fast

.PHONY: goldens
goldens: prerequisites ## Write what each case is translated into, tests/cases/*/*/config.snap; git diff shows the changes
	ADIT_TEST_WRITE_GOLDENS=1 cargo test --workspace --locked --test cases -- '[golden]'

.PHONY: screenshots
screenshots: clients $(AXE) ## Write the pictures of the dashboard, docs/dashboard/*.png
	ADIT_TEST_WRITE_SCREENSHOTS=1 cargo test --workspace --locked --test suite -- dashboard_pages::browser

.PHONY: test-cluster
test-cluster: prerequisites test-images $(HELM) $(GATEWAY_CRDS) ## Run the tests in a cluster: in a lab, or in that of ADIT_TEST_KUBECONFIG
	@tests/cluster/test

.PHONY: conformance
conformance: prerequisites test-images $(GATEWAY_BACKENDS) ## Play both conformance suites in a cluster, Ingress and Gateway API, and tell the scores
	@tests/cluster/test conformance --include-ignored --nocapture

.PHONY: lint
lint: prerequisites $(DENY) $(ACTIONLINT) ## Check formatting, clippy, scripts, and the dependencies' layering, licences and sources
	@.ci/prerequisites shellcheck
	shellcheck --external-sources $$(grep -rlE '^#!/usr/bin/env bash|^# shellcheck shell=bash' .ci manifests tests/cluster)
	$(ACTIONLINT)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --package adit-tests --test lab --locked -- -D warnings # which is no target of `cargo test`
	$(DENY) check --allow unused-wrapper bans licenses sources

.PHONY: audit
audit: prerequisites $(DENY) ## Check the dependencies for security advisories
	@if git ls-remote --quiet --exit-code $(ADVISORIES) HEAD >/dev/null 2>&1 </dev/null; then \
		$(DENY) check advisories; \
	else \
		echo "NOT CHECKED: the advisory database ($(ADVISORIES)) cannot be reached from here." >&2; \
	fi

.PHONY: bench
bench: bench-load ## Compare what requests cost Adit and other proxies, where it matters most; under 15 minutes once built
	target/release/load

.PHONY: bench-full
bench-full: bench-load ## Compare all, and write benches/REPORT.md; under an hour, goes on where it was interrupted
	target/release/load --report benches

.PHONY: bench-scale
bench-scale: bench-tools $(GATEWAY_CONFORMANCE)/suite ## Compare what thousands of Ingresses and HTTPRoutes cost, in a real API server; under 15 minutes once built
	@.ci/prerequisites golang-go:go openssl python3
	@tests/cluster/setup/build >/dev/null
	$(BUILD_BENCH) --bin scale
	target/release/scale

.PHONY: bench-micro
bench-micro: prerequisites ## Count the instructions of the parts of a request, and compare them with benches/MICRO.md
	-@.ci/prerequisites valgrind nginx nghttp2-client:h2load
	$(BUILD_BENCH) --bin micro
	target/release/micro

.PHONY: bench-parts
bench-parts: bench-tools ## Measure what changes, policies, compression and waiting clients cost
	$(BUILD_BENCH)
	cargo bench -p adit-benches --locked

.PHONY: pgo
pgo: target/pgo/release/adit ## Build the program with a profile of its load: target/pgo/release/adit; three times the time of a build

# The compiler lays the program out for what it has seen it do under load.
target/pgo/release/adit: export ADIT_COMMIT := $(COMMIT)
target/pgo/release/adit: bench-load
	rustup component add llvm-tools
	RUSTFLAGS="-Cprofile-generate=$(PROFILES)" cargo build --release --locked --bin adit --target-dir target/pgo
	rm -rf $(PROFILES) # what build scripts have done is no load
	target/release/load --rounds 1 --proxy Adit --adit target/pgo/release/adit $(PROFILED)
	"$$(rustc --print target-libdir)/../bin/llvm-profdata" merge --output $(PROFILES)/adit.profdata $(PROFILES)
	RUSTFLAGS="-Cprofile-use=$(PROFILES)/adit.profdata" cargo build --release --locked --bin adit --target-dir target/pgo

.PHONY: bench-load
bench-load: bench-tools
	$(BUILD_BENCH) --bin load --bin bare_pingora

# What is missing nevertheless is said at the end of a comparison.
.PHONY: bench-tools
bench-tools: prerequisites
	-@.ci/prerequisites $(BENCH_TOOLS)
	-@$(MAKE) --no-print-directory $(PROXIES)/installed

$(PROXIES)/installed: benches/load/requirements.txt
	rm -rf $(@D)
	PIP_ROOT_USER_ACTION=ignore pip3 install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--target $(@D) --requirement $<
	touch $@

.PHONY: fuzz
fuzz: prerequisites $(FUZZ) ## Fuzz every target for FUZZ_SECONDS (600) each
	rustup toolchain install nightly --profile minimal
	@set -e; for target in $$(cargo +nightly fuzz list --fuzz-dir tests/fuzz); do \
		mkdir -p "tests/fuzz/corpus/$$target"; \
		cargo +nightly fuzz run --fuzz-dir tests/fuzz "$$target" "tests/fuzz/corpus/$$target" "tests/fuzz/seeds/$$target" \
			-- -max_total_time=$(FUZZ_SECONDS) -timeout=10; \
	done
fuzz: export PATH := $(CURDIR)/$(dir $(FUZZ)):$(PATH)

.PHONY: image
image: target/image/adit.tar ## Write Adit's image to target/image/adit.tar, for docker load and the like
	@echo "$<: $(IMAGE)"

.PHONY: release
release: $(HELM) $(CYCLONEDX) ## Write the files of a release, for this machine's architecture, to target/release-files
	$(MAKE) image PROGRAM=target/pgo/release/adit
	@manifests/release $(VERSION) target/pgo/release/adit $(IMAGE_NAME)
release: export PATH := $(CURDIR)/$(dir $(CYCLONEDX)):$(PATH)

.PHONY: release-check
release-check: ## Check that the version and the changelog are those of a release: TAG=v1.2.3
	@manifests/release $(VERSION) --check "$(TAG)"

.PHONY: test-images
test-images: $(TEST_IMAGES) ## Write the images of the cluster's tests

.PHONY: cluster-up
cluster-up: prerequisites ## Start a two-node Kubernetes, see tests/cluster; prints its kubeconfig
	@tests/cluster/up

.PHONY: cluster-down
cluster-down: ## End it, and leave nothing of it
	@tests/cluster/down

.PHONY: cluster-check
cluster-check: prerequisites ## Check that it is a Kubernetes, and that it leaves nothing
	@tests/cluster/check

.PHONY: manifests
manifests: ## Write manifests/install, which `kubectl apply -f` takes, from the kustomizations
	@manifests/render

.PHONY: manifests-check
manifests-check: ## Check that manifests/install is what the kustomizations say
	@manifests/render --check

.PHONY: docs
docs: prerequisites ## Write the tables in docs/ that are made from the code, and the CustomResourceDefinition of AditPolicy
	@set -e; cargo build --locked --bin adit; for page in adit-policy annotations configmap convert-annotations flags metrics snippets; do \
		target/debug/adit docs "$$page" >docs/"$$page".md.new; mv docs/"$$page".md.new docs/"$$page".md; \
	done; for folder in components/gateway-api chart/adit/files; do \
		file=manifests/$$folder/aditpolicies.yaml; target/debug/adit docs crd >"$$file".new; mv "$$file".new "$$file"; \
	done

.PHONY: site
site: $(MDBOOK) ## Write the documents as a site, to target/site
	@docs/site $(MDBOOK)

.PHONY: prerequisites
prerequisites:
	@.ci/prerequisites

.PHONY: clients
clients:
	@.ci/prerequisites $(CLIENTS)

.PHONY: image-tools
image-tools: prerequisites
	@.ci/prerequisites python3 binutils:strip

target/image/adit.tar: $(PROGRAM) $(CORE_RULES)/crs-setup.conf manifests/image Makefile | image-tools
	$(ADIT_IMAGE)

target/image/test/adit.tar: target/debug/adit $(CORE_RULES)/crs-setup.conf manifests/image Makefile | image-tools
	$(ADIT_IMAGE)

target/image/test/echo.tar: target/debug/echo manifests/image Makefile | image-tools
	manifests/image --name localhost/echo:1 --output $@ --strip $<

target/image/test/oauth2-proxy.tar: $(OAUTH2_PROXY) manifests/image Makefile | image-tools
	manifests/image --name localhost/oauth2-proxy:1 --output $@ $<

target/image/test/argo-rollouts.tar: $(ARGO_ROLLOUTS) manifests/image Makefile | image-tools
	manifests/image --name localhost/argo-rollouts:1 --output $@ $<

# Of Debian, with a shell that starts it.
target/image/test/nginx.tar: manifests/image Makefile | image-tools
	@.ci/prerequisites nginx
	manifests/image --name localhost/nginx:1 --output $@ --file /bin/sh /bin/sh "$$(PATH=$$PATH:/usr/sbin command -v nginx)"

target/image/test/gateway-backend-%.tar: $(GATEWAY_CONFORMANCE)/suite manifests/image Makefile | image-tools
	manifests/image --name registry.k8s.io/gateway-api/conformance/echo-basic:$* --output $@ $(<D)/backend

# Cargo knows when there is something to build, and touches nothing otherwise.
target/release/adit: export ADIT_COMMIT := $(COMMIT)
target/release/adit: FORCE | prerequisites
	cargo build --release --locked --bin adit

# As `cargo test --workspace` builds them, so that nothing is built twice.
target/debug/adit target/debug/echo &: FORCE | prerequisites
	cargo build --workspace --locked --bin adit --bin echo

.PHONY: FORCE
FORCE:

# Built once and kept: some take minutes.
$(DENY):
	cargo install cargo-deny --locked --version $(CARGO_DENY) --root $(TOOLS)/cargo-deny-$(CARGO_DENY)

$(MDBOOK):
	cargo install mdbook --locked --version $(MDBOOK_VERSION) --no-default-features --features search \
		--root $(TOOLS)/mdbook-$(MDBOOK_VERSION)

$(H2SPEC): $(wildcard $(H2SPEC_MODULE)/*)
	@command -v go >/dev/null || .ci/prerequisites golang-go
	cd $(H2SPEC_MODULE) && go build -buildvcs=false -o $(CURDIR)/$@ github.com/summerwind/h2spec/cmd/h2spec

$(AXE): Makefile
	@mkdir -p $(@D)
	curl --fail --silent --show-error --location --output $(@D)/axe-core.tgz \
		https://registry.npmjs.org/axe-core/-/axe-core-$(AXE_VERSION).tgz
	echo "$(AXE_SHA256)  $(@D)/axe-core.tgz" | sha256sum --check --quiet
	tar -xzf $(@D)/axe-core.tgz -C $(@D) --strip-components=1 -m package/axe.min.js package/LICENSE

$(CORE_RULES)/crs-setup.conf: $(wildcard $(CORE_RULES_MODULE)/*)
	@command -v go >/dev/null || .ci/prerequisites golang-go
	$(CORE_RULES_MODULE)/install $(CORE_RULES)
	@touch $@

# With the Go of the lab: that of a distribution may be too old for it.
$(ACTIONLINT): $(wildcard $(ACTIONLINT_MODULE)/*)
	@command -v go >/dev/null || .ci/prerequisites golang-go
	@mkdir -p target/cluster
	go=$$(tests/cluster/setup/go) && cd $(ACTIONLINT_MODULE) && CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off \
		"$$go" build -trimpath -buildvcs=false -o $(CURDIR)/$@ github.com/rhysd/actionlint/cmd/actionlint

$(OAUTH2_PROXY): $(wildcard $(OAUTH2_PROXY_MODULE)/*)
	@command -v go >/dev/null || .ci/prerequisites golang-go
	@mkdir -p target/cluster
	go=$$(tests/cluster/setup/go) && cd $(OAUTH2_PROXY_MODULE) && CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off \
		"$$go" build -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$@ github.com/oauth2-proxy/oauth2-proxy/v7

# Its CustomResourceDefinitions are put beside it.
$(ARGO_ROLLOUTS): $(wildcard $(ARGO_ROLLOUTS_MODULE)/*)
	@command -v go >/dev/null || .ci/prerequisites golang-go
	@mkdir -p target/cluster $(@D)/crds
	go=$$(tests/cluster/setup/go) && cd $(ARGO_ROLLOUTS_MODULE) && export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off && \
		"$$go" build -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$@ github.com/argoproj/argo-rollouts/cmd/rollouts-controller && \
		module=$$("$$go" list -m -f '{{.Dir}}' github.com/argoproj/argo-rollouts) && \
		install -m 644 "$$module"/manifests/crds/*-crd.yaml $(CURDIR)/$(@D)/crds

# The suite needs a newer Go than Kubernetes does, which its go.mod names.
$(GATEWAY_CONFORMANCE)/suite: $(shell find $(GATEWAY_CONFORMANCE_MODULE) -type f) | $(GATEWAY_CRDS)
	@command -v go >/dev/null || .ci/prerequisites golang-go
	@mkdir -p target/cluster
	go=$$(tests/cluster/setup/go) && cd $(GATEWAY_CONFORMANCE_MODULE) && export CGO_ENABLED=0 GOTOOLCHAIN=auto GOWORK=off && \
		"$$go" test -c -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$@ . && \
		"$$go" build -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$(@D)/backend ./backend

# Without the suite, which takes longer.
$(GATEWAY_CRDS): $(GATEWAY_CONFORMANCE_MODULE)/go.mod
	@command -v go >/dev/null || .ci/prerequisites golang-go
	@mkdir -p target/cluster $@
	go=$$(tests/cluster/setup/go) && cd $(GATEWAY_CONFORMANCE_MODULE) && export GOTOOLCHAIN=auto GOWORK=off && \
		"$$go" mod download sigs.k8s.io/gateway-api && \
		module=$$("$$go" list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api) && \
		install -m 644 "$$module"/config/crd/standard/*.yaml $(CURDIR)/$@
	@touch $@

$(CYCLONEDX):
	cargo install cargo-cyclonedx --locked --version $(CARGO_CYCLONEDX) --root $(TOOLS)/cargo-cyclonedx-$(CARGO_CYCLONEDX)

$(HELM): $(wildcard $(HELM_MODULE)/*)
	@command -v go >/dev/null || .ci/prerequisites golang-go
	@mkdir -p target/cluster
	go=$$(tests/cluster/setup/go) && cd $(HELM_MODULE) && CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off \
		"$$go" build -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$@ helm.sh/helm/v4/cmd/helm

$(FUZZ):
	cargo install cargo-fuzz --locked --version $(CARGO_FUZZ) --root $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ)
