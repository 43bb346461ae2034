#!/usr/bin/env bash
# Installs the clients that test/clients drives: pulp-cli, the generated bindings, schemathesis and
# the library `packaging`, whose answers ours are compared with, into a Python environment; stand-ins
# for services into others; clients of registries, stores and readers of manifests with Go; and curl,
# wget, nginx, wrk, strace, skopeo, podman, buildah, flatpak, docker-registry, Redis, an SSH server, the
# ClamAV daemon and promtool with apt where they are missing.
# The folder is $DECKLE_CLIENTS, or deckle/clients in the user's cache.
set -euo pipefail

folder="${DECKLE_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/deckle/clients}"

missing=()
for tool in curl wget nginx wrk strace skopeo podman buildah docker-registry redis-server flatpak; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
[ -x /usr/sbin/sshd ] || missing+=("openssh-server")
command -v clamd >/dev/null || missing+=("clamav-daemon")
command -v promtool >/dev/null || missing+=("prometheus")
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

packages=(
  "pulp-cli==0.41.1"
  "pulp-glue==0.41.1"
  "pulpcore-client==3.95.3"
  "pulp-file-client==3.95.3"
  "pulp-container-client==2.30.0"
  "schemathesis==4.32.5"
  "packaging==26.3"
)

# Servers that stand in for services; their dependencies are not those of the clients.
servers=("moto[server]==5.2.5")

# install FOLDER PACKAGE…: a Python environment with just these.
install() {
  local place="$1" stamp="$1/installed.txt"
  shift
  if [ "$(cat "$stamp" 2>/dev/null)" != "$*" ]; then
    python3 -m venv "$place"
    "$place/bin/pip" install --quiet --disable-pip-version-check "$@"
    printf '%s\n' "$*" >"$stamp"
  fi
}
install "$folder" "${packages[@]}"
install "$folder/servers" "${servers[@]}"
# The library that others read Parquet with.
install "$folder/parquet" "pyarrow==26.0.1"

azurite="azurite@3.37.0"
stamp="$folder/azurite/installed.txt"
if [ "$(cat "$stamp" 2>/dev/null)" != "$azurite" ]; then
  npm install --silent --no-audit --no-fund --prefix "$folder/azurite" "$azurite"
  printf '%s\n' "$azurite" >"$stamp"
fi
# The tools that publish to and install from Python indexes, apart: they need other libraries.
python_tools=(
  "build==1.6.1"
  "pip==26.3"
  "poetry==2.5.1"
  "setuptools==84.2.1"
  "twine==7.0.0"
  "uv==0.13.9"
)
tools="$folder/python-tools"
stamp="$tools/installed.txt"
if [ "$(cat "$stamp" 2>/dev/null)" != "${python_tools[*]}" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "${python_tools[@]}"
  # Small real packages of both kinds, which tests upload and install.
  "$tools/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$tools/packages" \
    "iniconfig==2.1.0" "packaging==25.0" "pluggy==1.6.0"
  "$tools/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --no-binary :all: --dest "$tools/packages" "flit_core==3.12.0"
  printf '%s\n' "${python_tools[*]}" >"$stamp"
fi
# With the libraries that it was released with: later ones break it.
install "$folder/pdm" "pdm==2.29.4" "hishel==1.4.0"

# Real packages of more than a hundred projects, in three releases each: a round takes one release of
# each project, since pip takes no two. Wheels that run anywhere, so that all machines get the same.
list="$(dirname "$0")/python-packages.txt"
sdists=("inflection==0.5.1" "jsonpointer==3.0.0" "mccabe==0.7.0" "six==1.17.0" "toml==0.10.2"
  "uritemplate==4.2.0" "webencodings==0.5.1" "xmltodict==0.14.2")
collection="$folder/python-collection"
wanted="$(sha256sum <"$list") ${sdists[*]}"
if [ "$(cat "$collection/installed.txt" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$collection"
  mkdir -p "$collection"
  awk -v folder="$collection" -F== '{ print > (folder "/round-" ++seen[$1] ".txt") }' "$list"
  download=("$tools/bin/pip" download --quiet --disable-pip-version-check --no-deps)
  anywhere=(--only-binary :all: --platform any --python-version 3.11 --implementation py --abi none)
  rounds=()
  for round in "$collection"/round-*.txt; do
    "${download[@]}" "${anywhere[@]}" --dest "$collection/files" --requirement "$round" &
    rounds+=("$!")
  done
  "${download[@]}" --no-build-isolation --no-binary :all: --dest "$collection/files" "${sdists[@]}" &
  rounds+=("$!")
  for round in "${rounds[@]}"; do wait "$round"; done
  printf '%s\n' "$wanted" >"$collection/installed.txt"
fi

# Clients of registries, and the conformance suites of their protocol, from the Go module proxy.
go_programs=(
  "github.com/google/go-containerregistry/cmd/crane@v0.22.1"
  "oras.land/oras/cmd/oras@v1.3.6"
  "helm.sh/helm/v3/cmd/helm@v3.22.0"
  "github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5"
)
suite="github.com/opencontainers/distribution-spec/conformance"
suite_old="v0.0.0-20231101194043-f2182352d4cc"
suite_new="v0.0.0-20260831232431-97274622c111"
registry="$folder/registry"
stamp="$registry/installed.txt"
if [ "$(cat "$stamp" 2>/dev/null)" != "${go_programs[*]} $suite_old $suite_new" ]; then
  mkdir -p "$registry"
  for program in "${go_programs[@]}"; do GOBIN="$registry" go install "$program"; done
  build="$(mktemp -d)"
  for version in "$suite_old" "$suite_new"; do
    module="$(cd "$build" && go mod download -json "$suite@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')"
    cp -r "$module" "$build/$version"
    chmod -R u+w "$build/$version"
  done
  (cd "$build/$suite_old" && go test -c -o "$registry/oci-conformance-1.0" .)
  (cd "$build/$suite_new" && go build -buildvcs=false -o "$registry/oci-conformance-1.1" .)
  rm -rf "$build"
  printf '%s\n' "${go_programs[*]} $suite_old $suite_new" >"$stamp"
fi

# Servers that stand in for stores of objects.
store_programs=(
  "github.com/fsouza/fake-gcs-server@v1.56.1"
  "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
)
stores="$folder/stores"
if [ "$(cat "$stores/installed.txt" 2>/dev/null)" != "${store_programs[*]}" ]; then
  mkdir -p "$stores"
  for program in "${store_programs[@]}"; do GOBIN="$stores" go install "$program"; done
  printf '%s\n' "${store_programs[*]}" >"$stores/installed.txt"
fi

# What reads the files of deploy/ as a cluster, Compose and a collector do.
deployment="$folder/deployment"
stamp="$deployment/installed.txt"
wanted="$(cat "$(dirname "$0")"/go/*/* | sha256sum)"
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  build="$(mktemp -d)"
  cp -r "$(dirname "$0")/go/." "$build"
  for program in "$build"/*/; do
    (cd "$program" && go build -mod=mod -ldflags='-s -w' -o "$deployment/$(basename "$program")" .)
  done
  rm -rf "$build"
  printf '%s\n' "$wanted" >"$stamp"
fi
echo "clients: $folder"
