import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { apiAccessReader, contentAccessReader } from "#operator/logs/access-reader.ts";
import { jsonAccessLine } from "#platform/log/access-json.ts";
import {
  API_ACCESS_FORMAT,
  CONTENT_ACCESS_FORMAT,
  SERVICE_API_ACCESS_FORMAT,
  SERVICE_CONTENT_ACCESS_FORMAT,
} from "#platform/log/access-log.ts";
import { accessLine, accessRecord } from "./support/access-lines.ts";

const readApi = apiAccessReader();
const readContent = contentAccessReader();
const AT = Date.parse("2026-08-12T09:30:00Z");

const said = {
  path: "/api/pypi/team/idx/simple/attrs/?a=b",
  status: 301,
  request: { "user-agent": 'pip/26.3 {"a":"b"}', "x-forwarded-for": "1.2.3.4, 10.0.0.1" },
  response: { "correlation-id": "f00" },
  environment: { REMOTE_USER: "/O=Example/CN=build bot", ORG_ID: "44" },
};

test("a line of the API is read back", () => {
  const line = accessLine(SERVICE_API_ACCESS_FORMAT, said);
  const facts = {
    ...{ atMs: AT, method: "GET", path: "/api/pypi/team/idx/simple/attrs/", status: 301 },
    ...{ user: "/O=Example/CN=build bot", orgId: "44", userAgent: 'pip/26.3 {"a":"b"}' },
    ...{ forwardedFor: "1.2.3.4, 10.0.0.1", durationMs: 12 },
  };
  assert.deepEqual(readApi(line), facts);
  assert.deepEqual(readApi(`(${line})`), facts);
});

test("a line of the content app is read back, of older releases too", () => {
  const response = {
    ...{ "x-pulp-cache": "HIT", "x-pulp-artifact-size": "77" },
    "x-rh-org-id": "44",
  };
  const line = accessLine(SERVICE_CONTENT_ACCESS_FORMAT, { ...said, response });
  const facts = readContent(line);
  assert.deepEqual(
    [facts?.cache, facts?.artifactSize, facts?.orgId, facts?.durationMs],
    ["HIT", "77", "44", 12],
  );
  const older = readContent(line.replace(/ request_time:"[^"]*"$/, ""));
  assert.deepEqual({ ...older, durationMs: 12 }, facts);
});

test("what is not there is left out", () => {
  const facts = { atMs: AT, method: "GET", path: "/a", status: 200 };
  assert.deepEqual(readApi(accessLine(API_ACCESS_FORMAT, { path: "/a" })), facts);
  assert.deepEqual(readContent(accessLine(CONTENT_ACCESS_FORMAT, { path: "/a" })), facts);
  assert.deepEqual(readApi(accessLine(SERVICE_API_ACCESS_FORMAT, { path: "/a" })), {
    ...facts,
    durationMs: 12,
  });
});

test("lines that are objects are read", () => {
  const facts = readApi(jsonAccessLine(accessRecord(said)));
  assert.deepEqual(facts, readApi(accessLine(SERVICE_API_ACCESS_FORMAT, said)));
});

test("whatever clients send, a line says what was sent", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => {
    // Both stand for nothing in a line; control characters and backslashes are written otherwise.
    return value !== "" && value !== "-" && !/[\p{Cc}\u2028\u2029\\]/u.test(value);
  });
  fc.assert(
    fc.property(text, text, (agent, forwarded) => {
      const request = { "user-agent": agent, "x-forwarded-for": forwarded };
      const facts = readApi(accessLine(SERVICE_API_ACCESS_FORMAT, { ...said, request }));
      assert.deepEqual([facts?.userAgent, facts?.forwardedFor], [agent, forwarded]);
      assert.equal(facts?.user, said.environment.REMOTE_USER);
    }),
  );
});

test("other lines are none, also long ones that look like many", () => {
  for (const line of [
    "",
    "pulp [f00]: deckle.api:INFO: started",
    '{"logger":"deckle.api","msg":"x"}',
    "{not json",
    '{"logger":"access","time":"2026-08-12T09:30:00Z","method":"GET","url":"/a"}',
    '10.1.2.3 [12/Aug/2026:09:30:00 +0000] "GET /a HTTP/1.1" x 5 "-" "-"',
    '10.1.2.3 [12/Xyz/2026:09:30:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "-"',
    `pulp [f00]: h - user:${" org_id:x [a] ".repeat(5000)}`,
  ]) {
    assert.equal(readApi(line), undefined);
    assert.equal(readContent(line), undefined);
  }
});
