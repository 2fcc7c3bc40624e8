#!/bin/sh
# Run the GPU tests on a machine without a network: sh tests/gpu/run.sh FOLDER [pytest's arguments]
# FOLDER is what `python tests/gpu/wheels.py FOLDER` made. The machine's own packages stay as they are.
set -e
cd "$(dirname "$0")/../.."
site=$(mktemp -d)
python3 -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --target "$site" "$1"/*.whl
shift
PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 exec python3 -m pytest tests/gpu "$@"
