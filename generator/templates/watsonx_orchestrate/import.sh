#!/bin/sh
# Imports the project into the active environment of watsonx Orchestrate: tools first, then the agents,
# those that are asked before those who ask them. Importing again replaces what was imported.
set -eu
cd "$(dirname "$0")"

{{ steps }}
