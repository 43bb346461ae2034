#!/usr/bin/env bash
# export-logs.sh access|python|rpm|maven: writes the last hour of a log as Parquet to a bucket.
# Works on clusters of the service only, and does nothing where no log or bucket is named.
set -euo pipefail

kind="$1"
case "${CLUSTER_NAME:-}" in
  pulp*) ;;
  *)
    echo "Nothing is exported from the cluster '${CLUSTER_NAME:-}'."
    exit 0
    ;;
esac
if [ -z "${CLOUDWATCH_GROUP:-}" ] || [ -z "${EXPORT_BUCKET:-}" ]; then
  echo "Nothing is exported: CLOUDWATCH_GROUP or EXPORT_BUCKET is not set."
  exit 0
fi

hour="$(date -u +%Y/%m/%d/%H)"
common=(
  --cloudwatch-group "$CLOUDWATCH_GROUP"
  --start-time "1 hour ago"
  --end-time now
  --aws-region "${AWS_REGION:-us-east-1}"
  --s3-region "${EXPORT_REGION:-${AWS_REGION:-us-east-1}}"
  --output-path "s3://$EXPORT_BUCKET/$kind/$hour.parquet"
)
if [ -n "${EXPORT_ENDPOINT_URL:-}" ]; then
  common+=(--s3-endpoint-url "$EXPORT_ENDPOINT_URL")
fi

case "$kind" in
  access) exec deckle-operator export-access-logs "${common[@]}" ;;
  python | rpm | maven)
    exec deckle-operator export-content-logs --content-type "$kind" "${common[@]}"
    ;;
  *)
    echo "There is no log '$kind'; there are access, python, rpm and maven." >&2
    exit 2
    ;;
esac
