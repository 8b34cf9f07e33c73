#!/usr/bin/env bash
# What CI runs: 0 when every fixture held; the codes of everything else are in `devstack --help`.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 -m venv .venv
.venv/bin/pip install --quiet --requirement requirements.txt
devstack lint
devstack replay fixtures --report junit=traces.xml
