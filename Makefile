# edge-export: one command for each thing. `make help` lists them; each makes what it needs by itself.

TARGET    ?=
FRAMEWORK ?= both
PRECISION ?=
ROUTE     ?=
MODEL     ?=
OUT       ?=
DATA      ?=
FORCE     ?=
DEVICES   ?=
ARGS      ?=
ABI       ?= arm64-v8a x86_64
GPU       ?=
BUNDLE    ?= $(wildcard dist/fashion-cnn)

VENV  := .venv
BIN   := $(VENV)/bin
SETUP := sh scripts/setup.sh
EDGE  := $(BIN)/edge-export

# Two Mavens in the demo's modules at once would take each other's classes away.
LOCKED := $(shell command -v flock >/dev/null && echo flock build/android/lock)

# The environment that an export needs: one framework alone is smaller. TorchScript, ExecuTorch, .ptl and .pt2 come from PyTorch only.
SET_torch      := torch
SET_tensorflow := tensorflow
EXPORT_SET     := $(if $(filter torchscript executorch ptl pt2,$(TARGET)),torch,$(or $(SET_$(FRAMEWORK)),all))

# Stamps are written by scripts/bootstrap.py, one for each set that the environment serves.
READY := $(VENV)/.ready-
BUILD := $(if $(UV_TORCH_BACKEND),-$(UV_TORCH_BACKEND))
BROKEN := $(shell test -x $(BIN)/python || echo broken)

.DEFAULT_GOAL := help
.PHONY: help setup export test test-all check format lint bench bench-truth bench-android mutation coverage report readme doctor lock wheel setup-system setup-devices setup-gpu setup-arm64 setup-browser setup-android test-devices test-android android-jvm apk validate-android clean distclean broken

help: ## lists every target
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  TARGET     tflite, onnx, ort, coreml, executorch, savedmodel, pt2, torchscript, ptl or all"
	@echo "  FRAMEWORK  torch, tensorflow or both (default)"
	@echo "  PRECISION  fp32,fp16,int8-weights,int4-weights,palettized,dynamic,int8,int16x8 (default: all)"
	@echo "  MODEL      a reference model, or file.py:function of your own"
	@echo "  OUT        where the bundle goes (default: dist)"
	@echo "  DATA       a folder of images with one folder a class, or an .npz"
	@echo "  DEVICES    gpu,arm64,web,android,threads,fp16,apple or all: prove on these too (make setup-devices, android-jvm)"
	@echo "  ROUTE      best (default): the fastest that passes; all; or only these, as \`edge-export routes\` names them"
	@echo "  FORCE      a stage to run again although nothing changed"
	@echo "  ABI        of make apk: arm64-v8a, x86_64 or both (default)"
	@echo "  GPU        1: make apk takes the older interpreter along, which has a GPU delegate"
	@echo "  BUNDLE     what make apk puts inside (default: dist/fashion-cnn where it is; none: nothing)"
	@echo "  ARGS       anything else for the command, such as ARGS=--json"
	@echo
	@echo "  PYTHON     which Python 3.11 to 3.13 to build the environment with"
	@echo "  UV_TORCH_BACKEND=cpu  takes PyTorch without CUDA, see docs/environment.md"

export: NAMES = --target "$(TARGET)" --framework "$(FRAMEWORK)"
export: $(READY)$(EXPORT_SET)$(BUILD) ## converts and proves models: make export TARGET=tflite
	@$(EDGE) run $(if $(TARGET),--target "$(TARGET)") --framework "$(FRAMEWORK)" $(if $(PRECISION),--precision "$(PRECISION)") \
		$(if $(MODEL),--model "$(MODEL)") $(if $(OUT),--out "$(OUT)") $(if $(DATA),--data "$(DATA)") \
		$(if $(FORCE),--force "$(FORCE)") \
		$(if $(ROUTE),--route "$(ROUTE)") $(if $(DEVICES),--devices "$(DEVICES)") $(ARGS)

test: setup-system test-devices test-android lint ## format, lint, types and every test but the slow ones
	@$(BIN)/pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

test-all: setup-system test-devices test-android lint ## the same with the slow sweeps
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: test ## the same as `make test`: what CI runs

lint: $(READY)dev$(BUILD) ## format, lint and types, without changing a file
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

format: $(READY)dev$(BUILD) ## formats the sources and repairs what the linter can
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

bench: $(READY)all$(BUILD) ## measures the project's own figures, each beside its goal
	@$(BIN)/python -m benchmarks $(ARGS)

bench-truth: $(READY)all$(BUILD) ## measures how well faults are found, repaired and timed, each beside its goal
	@$(BIN)/python -m benchmarks.truth $(ARGS)

bench-android: $(READY)all$(BUILD) ## measures the Android demo's own figures, each beside its goal; needs no phone
	@$(BIN)/python -m benchmarks.android $(ARGS)

mutation: $(READY)all$(BUILD) ## plants faults and honest changes, asks drift, and writes docs/mutation.md
	@$(BIN)/python -m benchmarks.mutation $(ARGS)

coverage: $(READY)all$(BUILD) ## tries every operator by every route, and writes docs/coverage.md
	@$(EDGE) coverage --route all --page docs/coverage.md $(ARGS)

report: $(READY)core$(BUILD) ## shows the last run's report again: ARGS="--format markdown"
	@$(EDGE) report $(if $(OUT),"$(OUT)") $(ARGS)

readme: $(READY)core$(BUILD) ## puts the results of `make export TARGET=all` into the README
	@$(BIN)/python scripts/readme_results.py dist/fashion-cnn "make export TARGET=all"

doctor: $(READY)core$(BUILD) ## says what this machine has, lacks, and what to do
	@$(EDGE) doctor $(ARGS)

setup: $(READY)dev$(BUILD) ## only makes the environment, with all that the tests need
	@echo "the environment in $(VENV) is ready"

setup-system: ## installs the system packages that tests want (root and apt), or says how
	@sh scripts/setup_system.sh

setup-devices: $(READY)dev$(BUILD) ## brings a software GPU, emulated ARM64 and a browser, without root
	@$(EDGE) devices install

setup-gpu: $(READY)dev$(BUILD) ## brings the software GPU alone
	@$(EDGE) devices install gpu

setup-arm64: $(READY)dev$(BUILD) ## brings emulated ARM64 alone
	@$(EDGE) devices install arm64

setup-browser: $(READY)dev$(BUILD) ## brings LiteRT.js, and a browser where there is none
	@$(EDGE) devices install browser

test-devices: $(READY)dev$(BUILD) ## as setup-devices; what cannot be had leaves its tests NOT_RUN
	@$(EDGE) devices install || echo "[devices] not all could be installed: their tests will report NOT_RUN" >&2

setup-android: ## installs JDK 17, Maven and Debian's Android tools (root and apt), or says how
	@sh scripts/setup_android.sh

test-android: ## as setup-android; what cannot be had leaves its tests NOT_RUN
	@sh scripts/setup_android.sh || true

android-jvm: ## builds the demo's own classes for the JVM: edge-export validate BUNDLE --runtime android-jvm
	@command -v mvn >/dev/null || { echo "android-jvm needs Maven and a JDK of 17 or newer: make setup-android"; exit 7; }
	@mkdir -p build/android && $(LOCKED) mvn -q -B -f android_demo/pom.xml -pl jvm -am package -DskipTests

apk: $(READY)core$(BUILD) ## builds and proves the Android demo without Google's SDK: make apk BUNDLE=dist/fashion-cnn
	@ABI="$(ABI)" GPU="$(GPU)" BUNDLE="$(filter-out none,$(BUNDLE))" PYTHON="$(BIN)/python" bash android_demo/package.sh

validate-android: apk ## judges BUNDLE by the demo app on every connected phone: make validate-android BUNDLE=dist/fashion-cnn
	@$(EDGE) validate "$(or $(BUNDLE),dist/fashion-cnn)" --runtime android $(ARGS)

lock: ## pins all dependencies anew: make lock [ARGS=--upgrade]
	@UV=$$(sh scripts/setup.sh --uv) && UV="$$UV" sh scripts/lock.sh $(ARGS)

wheel: $(READY)dev$(BUILD) ## builds the wheel into dist/wheel
	@$(BIN)/python -m hatchling build --target wheel --directory dist/wheel

clean: ## removes what was made, the cache of trained and converted models too; not the environment
	rm -rf dist build android_demo/*/target .edge-export .pytest_cache .mypy_cache .ruff_cache

distclean: clean ## removes the environment as well
	rm -rf $(VENV) .tools

$(READY)%$(BUILD): requirements/%.lock pyproject.toml scripts/bootstrap.py $(if $(BROKEN),broken)
	@$(SETUP) --set $* $(NAMES)

broken:
