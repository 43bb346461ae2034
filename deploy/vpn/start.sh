#!/bin/sh
# Fills in the address of the service and the secret, and becomes nginx. awk, since the secret must
# not be seen in the list of processes.
set -eu

folder="${PROXY_FOLDER:-/tmp}"
VPN_ACCESS="$(printf %s "$VPN_SECRET" | base64 | tr -d '\n')"
host="${UPSTREAM_URL#*://}"
UPSTREAM_HOST="${host%%/*}"
PROXY_PORT="${PROXY_PORT:-8080}"
export VPN_ACCESS UPSTREAM_HOST PROXY_PORT UPSTREAM_URL

umask 077
awk '{
  gsub("@PROXY_PORT@", ENVIRON["PROXY_PORT"])
  gsub("@FOLDER@", folder)
  gsub("@UPSTREAM_URL@", ENVIRON["UPSTREAM_URL"])
  gsub("@UPSTREAM_HOST@", ENVIRON["UPSTREAM_HOST"])
  gsub("@VPN_ACCESS@", ENVIRON["VPN_ACCESS"])
  print
}' folder="$folder" "$(dirname "$0")/nginx.conf" >"$folder/nginx.conf"
unset VPN_SECRET VPN_ACCESS
exec nginx -e stderr -c "$folder/nginx.conf" -g 'daemon off;'
