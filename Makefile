# README.org is the one source of this book; these rules turn it into programs,
# figures, numbers and one page.  `make' lists the commands.

ifeq ($(MAKELEVEL),0)  # use every core; a -j on the command line wins
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN)
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := help

# The same bytes on every machine: one locale, one time zone, one thread a program.
export LC_ALL := C.UTF-8
export TZ := UTC
export PYTHONHASHSEED := 0
export PYTHONUTF8 := 1
export OMP_NUM_THREADS := 1
export PYTHONPATH := src
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache

EMACS ?= emacs
PYTHON ?= python3
PY := .venv/bin/python
BOOK := $(EMACS) -Q --batch -l tangle.el -f book-batch
PROGRAMS := deep mlp cnn notes bigram ngram linear_autograd linear_dataloader linear_module logistic
STAMPS := $(PROGRAMS:%=build/%.stamp)
FIGURES := $(shell sed -n 's/^\[\[file:\(figs\/.*\)\]\]$$/\1/p' README.org)

# These goals take the files as they are; every other one renews them first.
AS_THEY_ARE := help setup check bench where watch clean distclean

ifneq ($(and $(filter clean distclean,$(MAKECMDGOALS)),$(filter-out clean distclean,$(MAKECMDGOALS))),)
$(error make clean and make distclean go alone; run the rest afterwards)
endif

.PHONY: help all setup tangle train numbers html notebooks test check bench where watch clean distclean
.PHONY: always

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 18

all: html notebooks ## set up, tangle, train, draw, refresh the numbers, export

## Set-up

setup: .venv/ready build/emacs.stamp ## make .venv, and find or install Emacs

build:
	@mkdir -p build

build/emacs.stamp: $(if $(shell command -v $(EMACS)),,always) | build
	@$(PYTHON) src/book/emacs.py $(EMACS)
	@touch $@

.venv/ready: requirements.txt $(if $(wildcard .venv/bin/python),,always) | build
	@$(PYTHON) src/book/venv.py
	@touch $@

## README.org to src/ and tests/

tangle: build/tangled.mk ## extract src/ and tests/ from README.org
	@:

# Tangle anew also on request, and when a tangled file is gone; once, not after the
# restart below.  A stamp dates from before its step, lest an edit meanwhile be lost.
TARGETS := $(sort $(shell sed -En 's/^(:header-args:|#\+begin_src ).*:tangle ([a-z]+[/.][^ ]+).*/\2/p' README.org))
AGAIN := $(if $(MAKE_RESTARTS),,$(filter tangle,$(MAKECMDGOALS))$(filter-out $(wildcard $(TARGETS)),$(TARGETS)))

build/tangled.mk: README.org tangle.el $(if $(AGAIN),always) | build/emacs.stamp
	@touch build/tangled.new
	@$(BOOK) tangle </dev/null
	@mv build/tangled.new $@

# Make renews a file that it includes, and then starts over, with fresh sources.
# Where there is no Emacs, train and test take the committed sources.
ifneq ($(filter-out $(AS_THEY_ARE),$(MAKECMDGOALS)),)
ifneq ($(shell command -v $(EMACS))$(filter-out train test,$(MAKECMDGOALS)),)
include build/tangled.mk
else
$(info tangle    skipped: there is no Emacs here; src/ and tests/ are the committed ones)
endif
endif

## Programs to figs/

train: $(STAMPS) ## train every model and draw every figure

SHARED := src/command_line.py src/atomic_file.py src/figure_style.py
LINEAR := src/known_line.py src/least_squares.py src/line_figure.py
CORPUS := src/names_corpus.py src/names_options.py src/ngram.py data/names.txt
DIGITS := src/digits.py data/digits.csv.gz
KEPT := src/checkpoint.py src/keeper.py src/progress.py
$(filter build/linear_%,$(STAMPS)): $(LINEAR)
build/ngram.stamp build/bigram.stamp build/mlp.stamp build/deep.stamp: $(CORPUS)
build/bigram.stamp: src/checkpoint.py
build/mlp.stamp build/deep.stamp: $(KEPT) src/name_sampler.py
build/mlp.stamp: src/mlp_figure.py
build/deep.stamp: src/tower.py src/processes.py src/mapped_names.py src/shuffled_names.py
build/cnn.stamp build/notes.stamp: $(DIGITS)
build/cnn.stamp: $(KEPT) src/convolution.py src/idx.py src/pixels.py

# A program runs again when its code changed, or when one of its outputs is gone.
gone = $(filter-out $(wildcard figs/*),figs/$1.json $(filter figs/$1%,$(FIGURES)))
$(STAMPS): build/%.stamp: src/%.py $(SHARED) .venv/ready $$(if $$(call gone,$$*),always) | build
	@touch build/$*.new
	@echo "train     $*"
	@$(PY) src/$*.py >build/$*.log 2>&1 || \
	  { $(PY) -m book.where --log build/$*.log; exit 1; }
	@sed 's/^/train     /' build/$*.log
	@mv build/$*.new $@

## figs/ to README.org to the page

numbers: build/numbers.stamp ## refresh the numbers that README.org quotes

build/numbers.stamp: $(STAMPS) build/tangled.mk
	@$(PY) -m book.numbers build/tangled.mk
	@touch $@

html: README.html ## export README.html

README.html: build/numbers.stamp $(wildcard src/book/*.*)
	@$(BOOK) page </dev/null

# Written anew also on request, and when one is gone.
notebooks: build/notebooks.stamp ## write the chapters as src/notebooks/*.ipynb

CHAPTERS := $(filter-out bibliography,$(shell sed -n '/^\* /{n;n;s/^:CUSTOM_ID: //p;}' README.org))
NOTEBOOKS := $(CHAPTERS:%=src/notebooks/%.ipynb)

build/notebooks.stamp: build/numbers.stamp $(wildcard src/book/*.*) \
    $(if $(filter notebooks,$(MAKECMDGOALS))$(filter-out $(wildcard $(NOTEBOOKS)),$(NOTEBOOKS)),always)
	@touch build/notebooks.new
	@$(PY) -m book.notebooks
	@mv build/notebooks.new $@

## Tests

test: .venv/ready ## run every test; with SLOW=no, only the quick ones
	@$(PY) -m pytest -n auto --dist loadfile $(if $(filter no,$(SLOW)),-m "not slow")

check: .venv/ready build/emacs.stamp ## find whatever drifted from README.org
	@$(BOOK) check </dev/null
	@$(BOOK) lint </dev/null
	@$(PY) -m book.numbers --check
	@$(PY) -m book.notebooks --check
	@$(BOOK) page build/README.html </dev/null >build/page.log 2>&1 || { cat build/page.log >&2; exit 1; }
	@$(PY) -m book.same build/README.html README.html
	@echo "check     nothing drifted from README.org"

bench: .venv/ready ## time the programs, and print operations per second
	@$(PY) src/bench.py

export AT
where: .venv/ready ## AT=src/logistic.py:41 names the line of README.org it came from
	@$(PY) -m book.where "$$AT"

## Around the house

watch: | build ## run make all whenever README.org is saved
	@echo "watch     README.org; press Ctrl-C to stop"
	@while :; do [ build/watched -nt README.org ] || { touch build/watched; $(MAKE) all || :; }; sleep 1; done

clean: ## remove what the build keeps for itself
	@rm -rf build

distclean: clean ## remove .venv too
	@rm -rf .venv
