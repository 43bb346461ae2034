import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type AccessRecord, compileAccessFormat } from "#platform/log/access-format.ts";
import { jsonAccessLine } from "#platform/log/access-json.ts";
import {
  API_ACCESS_FORMAT,
  CONTENT_ACCESS_FORMAT,
  openAccessLog,
} from "#platform/log/access-log.ts";

const headers: Readonly<Record<string, string>> = { referer: "there", "user-agent": 'c"url\n' };
const record: AccessRecord = {
  address: "10.0.0.1",
  port: 4000,
  user: "admin",
  method: "GET",
  path: "/pulp/",
  query: "a=1",
  url: "/pulp/?a=1",
  protocol: "HTTP/1.1",
  status: 200,
  bytes: 12,
  startedAt: new Date("2026-08-02T09:30:05Z"),
  durationMs: 1234.5678,
  requestHeader: (name) => headers[name],
  responseHeader: (name) => (name === "correlation-id" ? "abc" : undefined),
  environment: (name) => (name === "ORG_ID" ? "7" : undefined),
};

const formats: readonly (readonly [string, string])[] = [
  [
    API_ACCESS_FORMAT,
    'pulp [abc]: 10.0.0.1 - admin [02/Aug/2026:09:30:05 +0000] "GET /pulp/?a=1 HTTP/1.1" 200 12 "there" "c\\"url\\u000a"',
  ],
  [
    CONTENT_ACCESS_FORMAT,
    '10.0.0.1 [02/Aug/2026:09:30:05 +0000] "GET /pulp/?a=1 HTTP/1.1" 200 12 "there" "c\\"url\\u000a"',
  ],
  ["%(m)s %(U)s %(q)s %(H)s %(B)s", "GET /pulp/ a=1 HTTP/1.1 12"],
  ["%(T)s %(M)s %(D)s %(L)s", "1 1235 1234568 1.234568"],
  ["%T %Tf %D %P", `1 1.234568 1234568 ${process.pid}`],
  ["%(p)s", `<${process.pid}>`],
  ["%({x-none}i)s %({Referer}i)s %({ORG_ID}e)s %({NONE}e)s", "- there 7 -"],
  ['cache:"%{X-PULP-CACHE}o" 100%%', 'cache:"-" 100%'],
];

for (const [format, line] of formats) {
  test(`writes ${format}`, () => assert.equal(compileAccessFormat(format)(record), line));
}

test("writes an object, without what is not there", () => {
  const line = jsonAccessLine(record);
  assert.doesNotMatch(line, /\n/);
  assert.deepEqual(JSON.parse(line), {
    ...{ time: "2026-08-02T09:30:05.000Z", logger: "access", cid: "abc", client: "10.0.0.1" },
    ...{ user: "admin", org_id: "7", method: "GET", url: "/pulp/?a=1", protocol: "HTTP/1.1" },
    ...{ status: 200, bytes: 12, duration_ms: 1234.568 },
    ...{ referer: "there", user_agent: 'c"url\n' },
  });
  const nobody = { ...record, user: "-", environment: () => "-" };
  assert.equal("org_id" in JSON.parse(jsonAccessLine(nobody)), false);
});

test("an unknown token is named", () => {
  assert.throws(() => compileAccessFormat("%(z)s"), /Unknown token '%\(z\)s'/);
  assert.throws(() => compileAccessFormat("a %Z"), /Unknown token '%Z'/);
  assert.throws(() => compileAccessFormat("50% off"), /Unknown token/);
});

test("a line is written when a response is over", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "deckle-log-"));
  const file = join(folder, "access.log");
  const log = openAccessLog(file, "%a %s %b %(u)s");
  const server = createServer((incoming, response) => {
    log.observe(incoming, response, () => ({ user: "bob" }));
    response.writeHead(404, { "content-length": 2 }).end("no");
  });
  t.after(() => rmSync(folder, { recursive: true }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) =>
    request({ port, host: "127.0.0.1", agent: false }, (answer) =>
      answer.resume().once("close", resolve),
    ).end(),
  );
  await new Promise((resolve) => server.close(resolve));
  await log[Symbol.asyncDispose]();

  assert.equal(readFileSync(file, "utf8"), "127.0.0.1 404 2 bob\n");
});
