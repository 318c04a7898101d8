# See CONTRIBUTING.md. Python 3.11 and make are all that a machine needs.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv/bin
DJANGO := DJANGO_SETTINGS_MODULE=marketable.config.settings
SOURCES := $(wildcard marketable/locale/*/LC_MESSAGES/django.po)
CATALOGUES := $(SOURCES:.po=.mo)

.PHONY: help setup run test check bench messages
.DELETE_ON_ERROR:

help:
	@echo "make setup | run | test | check | bench | messages"

setup: .venv/.ready $(CATALOGUES)

.venv/.ready: requirements.lock ops/setup.sh
	@PYTHON="$(PYTHON)" sh ops/setup.sh

%.mo: %.po .venv/.ready
	@$(VENV)/python -m babel.messages.frontend --quiet compile --input-file $< --output-file $@

run: setup
	@MARKETABLE_DATA_DIR="$${MARKETABLE_DATA_DIR:-$(CURDIR)/.data}" \
	exec $(VENV)/marketable serve --demo $(if $(PORT),--port $(PORT))

test: setup
	@sh ops/browser.sh
	$(VENV)/python -m pytest -n logical $(ARGS)

check: setup
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(DJANGO) MARKETABLE_DATA_DIR=build/check $(VENV)/python -m mypy
	$(VENV)/lint-imports
	$(VENV)/python ops/doc_links.py
	$(MAKE) test

bench: setup
	$(VENV)/python -m bench $(if $(N),--n $(N)) $(if $(ONLY),--only $(ONLY))

# Bring the translators' files up to date with the texts of code and templates.
messages: setup
	$(VENV)/python ops/texts.py
