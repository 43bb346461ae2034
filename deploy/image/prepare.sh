#!/usr/bin/env bash
# What an image needs besides its files. Runs while it is built, as root.
#   prepare.sh [ROOT]: below another root than that of the file system
set -euo pipefail

root="${1:-}"
place="$root/opt/deckle"
PATH="$place/node_modules/node/bin:$PATH"

# Each program is the launcher by another name.
mkdir -p "$place/bin"
node -p 'Object.entries(require(process.argv[1]).bin).flat().join("\n")' "$place/package.json" |
  while read -r name && read -r file; do
    ln -sfn "../$file" "$place/bin/$name"
  done
ln -sfn ../deploy/entrypoint.sh "$place/bin/entrypoint"
chmod 0755 "$place"/deploy/*.sh "$place/src/bin/"*.mjs

# Files of any user of the group root, and of the group of the folder.
for name in media tmp assets scripts; do
  mkdir -p "$root/var/lib/pulp/$name"
done
mkdir -p "$root/etc/pulp/keys" "$root/etc/pulp/certs"
chown -R 700:0 "$root/var/lib/pulp" "$root/etc/pulp"
find "$root/var/lib/pulp" "$root/etc/pulp" -type d -exec chmod 2775 {} +

# The first start would ask npm whether everything is installed: the answer is kept.
"$place/bin/pulpcore-manager" --version
chmod -R a+rX "$place"
