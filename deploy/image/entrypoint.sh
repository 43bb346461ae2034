#!/usr/bin/env bash
# Starts a role by the name that images of the peer have for it; any other command is run as it is.
set -euo pipefail

case "${1:-}" in
  pulp-api) shift && exec pulpcore-api "$@" ;;
  pulp-content) shift && exec pulpcore-content "$@" ;;
  # The resource manager is a worker like the others today.
  pulp-worker | pulp-resource-manager) shift && exec pulpcore-worker "$@" ;;
  "") exec pulpcore-api ;;
  *) exec "$@" ;;
esac
