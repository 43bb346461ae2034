#!/usr/bin/env bash
# Brings the database to the release of this image, says so to the probe, and stays.
set -euo pipefail

pulpcore-manager migrate --noinput
touch "${MIGRATED_FILE:-/tmp/migrated}"
# Replaced by sleep, so that the end of the pod ends it at once.
exec sleep infinity
