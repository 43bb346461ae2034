import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root, sourceFiles } from "./sources.ts";

/** Hosts of the public registries: everybody's defaults, and fit for prose. */
const PUBLIC = new Set(["registry.npmjs.org", "pypi.org", "localhost", "127.0.0.1"]);

/** Hosts that the package clients of this machine are set to, read from the clients themselves. */
function configuredHosts(): readonly string[] {
  const settings = [
    spawnSync("npm", ["config", "get", "registry"], { cwd: root, encoding: "utf8" }).stdout,
    spawnSync("pip", ["config", "list"], { encoding: "utf8" }).stdout,
  ].join("\n");
  const hosts = [...settings.matchAll(/https?:\/\/(?:[^@/\s'"]*@)?([^:/\s'"]+)/g)];
  return [...new Set(hosts.map(([, host = ""]) => host.toLowerCase()))].filter(
    (host) => host !== "" && !PUBLIC.has(host),
  );
}

/** Folders that every machine has, so that naming them tells nothing. */
const COMMON = new Set([
  "/",
  "/tmp/",
  "/var/tmp/",
  "/home/",
  "/root/",
  "/opt/",
  "/srv/",
  "/usr/src/",
]);

/** Paths that only exist here: the parent of the clone and the home folder. */
const machinePaths = (): readonly string[] =>
  [`${dirname(root)}/`, `${homedir()}/`].filter((path) => !COMMON.has(path));

function findings(path: string, text: string, needles: readonly string[]): readonly string[] {
  const lower = text.toLowerCase();
  return needles
    .filter((needle) => lower.includes(needle.toLowerCase()))
    .map((n) => `${path}: ${n}`);
}

test("no file names a registry host or a path of this machine", () => {
  const needles = [...configuredHosts(), ...machinePaths()];
  const found = sourceFiles().flatMap((path) =>
    findings(path, readFileSync(join(root, path), "latin1"), needles),
  );
  assert.deepEqual(found, []);
});

test("a host and a path are found where they stand", () => {
  const text = "see https://packages.internal.example/simple and /srv/build/deckle";
  assert.deepEqual(findings("a.md", text, ["packages.internal.example", "/srv/build/"]), [
    "a.md: packages.internal.example",
    "a.md: /srv/build/",
  ]);
});

test("no commit message names them either", () => {
  const log = execFileSync("git", ["log", "--format=%B"], { cwd: root, encoding: "utf8" });
  assert.deepEqual(findings("log", log, configuredHosts()), []);
});
