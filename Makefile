# Everything runs in .venv, which is made on first use. Needs Python 3.11 or later and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help install demo test check bench clean

help:
	@echo "make demo    install, run every word on data that needs no download, and say which page to open"
	@echo "make test    run the tests (UNDULA_DATA names the folder of real data, if there is one)"
	@echo "make check   format, lint and types"
	@echo "make bench   run the benchmarks, whose numbers the documentation shows"
	@echo "make clean   remove .venv and what the demo wrote"

install: $(VENV)/.installed

demo: $(VENV)/.installed
	$(BIN)/undula demo

test: $(VENV)/.test
	$(BIN)/python -m pytest

check: $(VENV)/.test
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/recover.py
	$(BIN)/python benchmarks/spectra.py
	$(BIN)/python benchmarks/view.py
	$(BIN)/python benchmarks/losses.py
	$(BIN)/python benchmarks/denoise.py
	$(BIN)/python benchmarks/denoise_dial.py
	$(BIN)/python benchmarks/denoise_losses.py undula-losses
	$(BIN)/python benchmarks/denoise_vit.py undula-vit
	$(BIN)/python benchmarks/denoise_checks.py
	$(BIN)/python benchmarks/explain.py
	$(BIN)/python benchmarks/restore.py

clean:
	rm -rf $(VENV) undula-demo

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "got $$($(PYTHON) --version), expected Python 3.11 or later: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than what it was made from, so a second run installs nothing.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[all]'
	@touch $@

$(VENV)/.test: $(VENV)/.installed
	$(PIP) install --quiet --upgrade 'pip>=25.1' # the first that knows dependency groups
	$(PIP) install --quiet --constraint constraints.txt --group test
	@touch $@

$(VENV)/.bench: $(VENV)/.installed benchmarks/requirements.txt
	$(PIP) install --quiet --constraint constraints.txt --requirement benchmarks/requirements.txt
	@touch $@
