# The few verbs of the course. Each sets up what it needs first; that costs nothing the second time.
.DEFAULT_GOAL := help
.PHONY: help setup lab test check demo artefacts build bench lock
SHELL := /bin/bash

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: ## make .venv with everything in it
	@python3 environment/bootstrap.py

lab: setup ## open the course in JupyterLab
	@exec .venv/bin/servelab lab

test: ## every test, the notebooks on the real engine included
	@python3 environment/bootstrap.py --tests
	@.venv/bin/python -m pytest -n 2 --dist worksteal -m "not alone"; others=$$?; \
	.venv/bin/python -m pytest -m alone && exit $$others

check: setup ## the quick subset, while editing
	@.venv/bin/python -m pytest -m "not engine and not slow and not browser"

demo: setup ## do the labs, submit, grade and return feedback, headless
	@.venv/bin/servelab demo

artefacts: setup ## build what is slow and the same for everyone
	@.venv/bin/servelab artefacts

build: setup ## sources -> solution notebooks -> student releases
	@.venv/bin/servelab build

bench: setup ## measure (it says how long) and compare the ratios with the committed run
	@.venv/bin/servelab bench all

lock: ## resolve environment/locks again from pyproject.toml
	@python3 environment/bootstrap.py --lock
