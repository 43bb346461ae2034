import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBandersnatch } from "#plugins/python/format/bandersnatch.ts";
import { formOf, type TestApi } from "../../support/rest-api.ts";
import { createPythonApi, REMOTES } from "./support.ts";

const CONFIG = `
; a mirror
[mirror]
directory = /srv
master = https://upstream.example
workers = 3

[plugins]
enabled =
    prerelease_release
    allowlist_project
    blocklist_project
    regex_release_file_metadata
    latest_release
    exclude_platform

[allowlist]
packages =
    django
    flask>=1

[blocklist]
packages = numpy pandas
platforms =
    windows
    # no comment
    macos

[regex_release_file_metadata]
any:release_file.packagetype =
    sdist
    bdist_wheel

[latest_release]
keep = 3
`;

test("a configuration says what a remote shall mirror", () => {
  const remote = {
    url: "https://upstream.example",
    download_concurrency: 3,
    prereleases: false,
    includes: ["django", "flask>=1"],
    excludes: ["numpy", "pandas"],
    package_types: ["sdist", "bdist_wheel"],
    keep_latest_packages: 3,
    exclude_platforms: ["windows", "macos"],
  };
  assert.deepEqual(parseBandersnatch(CONFIG), remote);
  const all = CONFIG.replace(/enabled =[^[]*/, "enabled = all\n");
  assert.deepEqual(parseBandersnatch(all.replaceAll("\n", "\r\n")), remote);
  const none = CONFIG.replace(/enabled =[^[]*/, "enabled =\n");
  assert.deepEqual(parseBandersnatch(none), {
    url: "https://upstream.example",
    download_concurrency: 3,
    prereleases: true,
  });
  assert.deepEqual(parseBandersnatch(""), { prereleases: true });
});

const BROKEN = [
  ["master = x", /Line 1 is in no section/],
  ["[mirror]\nmaster", /Line 2 is no option/],
  ["[mirror]\n= x", /Line 2 is no option/],
  ["[mirror]\nworkers = many", /'many' is no number of download_concurrency/],
] as const;

for (const [text, message] of BROKEN) {
  test(`a configuration that is none: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseBandersnatch(text), { name: "SyntaxError", message });
  });
}

const send = (api: TestApi, config: string | undefined, fields: Record<string, string>) =>
  api.request(
    "POST",
    `${REMOTES}from_bandersnatch/`,
    formOf(fields, config === undefined ? [] : [{ name: "config", bytes: config }]),
  );

test("a remote is made of a configuration", async (t) => {
  const api = await createPythonApi(t);

  const { status, body, text } = await send(api, CONFIG, { name: "r", policy: "immediate" });

  assert.equal(status, 201, text);
  const { name, url, policy, includes, package_types, keep_latest_packages } = body;
  assert.deepEqual(
    { name, url, policy, includes, package_types, keep_latest_packages },
    {
      name: "r",
      url: "https://upstream.example",
      policy: "immediate",
      includes: ["django", "flask>=1"],
      package_types: ["sdist", "bdist_wheel"],
      keep_latest_packages: 3,
    },
  );
  assert.deepEqual((await api.get(body.pulp_href)).body, body);
  const unnamed = await send(api, CONFIG, { name: "other" });
  assert.equal(unnamed.body.policy, "on_demand");
  const bad: readonly (readonly [string | undefined, Record<string, string>, string])[] = [
    [CONFIG, { name: "r" }, "name"],
    [CONFIG, {}, "name"],
    [undefined, { name: "x" }, "config"],
    ["[mirror]\n", { name: "x" }, "config"],
    ["nonsense", { name: "x" }, "config"],
    [CONFIG.replace("//up", "//a:b@up"), { name: "x" }, "url"],
    [CONFIG.replace("sdist", "rpm"), { name: "x" }, "package_types"],
    [CONFIG.replace("macos", "amiga"), { name: "x" }, "exclude_platforms"],
  ];
  for (const [config, fields, field] of bad) {
    const answer = await send(api, config, fields);
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(Object.keys(answer.body), [field], answer.text);
  }
  assert.equal((await api.get(REMOTES)).body.count, 2);
});
