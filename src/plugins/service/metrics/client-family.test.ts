import assert from "node:assert/strict";
import { test } from "node:test";
import { clientFamily } from "./client-family.ts";

test("clients are known by what they say of themselves", () => {
  const cases = {
    "libdnf (Fedora Linux 43; server; Linux.x86_64)": "dnf",
    "dnf/4.14.0": "dnf",
    'pip/25.0 {"ci":null}': "pip",
    "uv/0.9.1 {}": "uv",
    "twine/6.1.0 requests/2.32": "twine",
    "containers/5.33 (github.com/containers/image)": "podman",
    "skopeo/1.18.0": "skopeo",
    "docker/28.0 go/go1.24 UpstreamClient(Docker-Client/28.0)": "docker",
    "containerd/2.0.1": "containerd",
    "Apache-Maven/3.9.9 (Java 21)": "maven",
    "npm/10.9.2 node/v22 linux x64 workspaces/false": "npm",
    "Ruby, RubyGems/3.6.2 x86_64-linux Ruby/3.4.1": "gem",
    "bundler/2.6.2 rubygems/3.6.2": "bundler",
    "curl/8.12.1": "curl",
    "Mozilla/5.0 (X11; Linux x86_64)": "browser",
    "": "other",
    "pipeline 1.0": "other",
  };
  for (const [text, family] of Object.entries(cases))
    assert.equal(clientFamily(text), family, text);
  assert.equal(clientFamily(undefined), "other");
  assert.equal(clientFamily(`pip/25.0 ${"x".repeat(60_000)}`), "pip");
  assert.equal(clientFamily(`${" ".repeat(300)}pip/25.0`), "other", "only its beginning is read");
});
