# Two commands do everything, their own set-up included: `make run` and `make test`.
# What they do is in scripts/; `cargo xtask --help` lists the developer's commands.

.PHONY: help run test bench web openapi

help:
	@echo 'make run      builds and starts Gantry on http://127.0.0.1:7777, data in ./data'
	@echo 'make test     installs what the tests need and runs all of them'
	@echo 'make bench    measures this build and writes bench.json and bench.md'
	@echo 'make web      builds the web interface into dist/'
	@echo 'make openapi  writes openapi/gantry.json from the code'

run:
	@scripts/run.sh

test:
	@scripts/test.sh

bench:
	@scripts/bench.sh

web:
	@cargo xtask web --release

openapi:
	@cargo xtask openapi
