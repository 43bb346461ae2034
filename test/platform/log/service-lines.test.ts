import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  openAccessLog,
  SERVICE_API_ACCESS_FORMAT,
  SERVICE_CONTENT_ACCESS_FORMAT,
} from "#platform/log/access-log.ts";
import { createLog } from "#platform/log/create-log.ts";
import { requestEnvironment } from "#platform/log/gateway-identity.ts";
import { FOUNDING_ACCESS_LINES } from "../../support/founding-environment.ts";

/** The lines as the specification's templates write them, with a `<name>` for each value. */
const API_LINE =
  'pulp [<cid>]: 127.0.0.1 - user:<user> org_id:<org> [<time>] "<request>" <status> <bytes> "<referer>" "<agent>" <ms> x_forwarded_for:"<forwarded>"';
const CONTENT_LINE =
  '127.0.0.1 [<time>] "<request>" <status> <bytes> "<referer>" "<agent>" cache:"<cache>" artifact_size:"<size>" rh_org_id:"<org>" x_forwarded_for:"<forwarded>" request_time:"<seconds>"';

/** Of development, and of the revision before requests were timed. */
const API_LINE_IN_DEVELOPMENT =
  'pulp [<cid>]: 127.0.0.1 - - [<time>] "<request>" <status> <bytes> "<referer>" "<agent>" x_forwarded_for:"<forwarded>"';
const UNTIMED_CONTENT_LINE = CONTENT_LINE.replace(' request_time:"<seconds>"', "");

type Values = Readonly<Record<string, string>>;

interface Recorded {
  readonly lines: readonly string[];
  readonly told: string;
}

/** Sends raw requests to a server with an access log, and reads its lines. */
async function record(
  t: TestContext,
  format: string,
  requests: readonly { readonly head: string; readonly answer?: object; readonly body?: string }[],
): Promise<Recorded> {
  const folder = mkdtempSync(join(tmpdir(), "deckle-lines-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "access.log");
  const told: string[] = [];
  const write = (line: string) => void told.push(line);
  const log = createLog({ level: "info", format: "text", write });
  const accessLog = openAccessLog(file, format);
  let number = 0;
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    accessLog.observe(request, response, () => ({ environment: requestEnvironment(request, log) }));
    const { answer = {}, body } = requests[number] ?? {};
    number += 1;
    response.writeHead(body === undefined ? 204 : 200, {
      ...answer,
      ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
    });
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const { head } of requests) {
    const socket = connect(port, "127.0.0.1");
    socket.write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`, "latin1");
    socket.resume();
    await once(socket, "close");
  }
  await new Promise((resolve) => server.close(resolve));
  await accessLog[Symbol.asyncDispose]();
  return { lines: readFileSync(file, "utf8").split("\n").slice(0, -1), told: told.join("") };
}

const TIME = /\[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000)\]/;

function filled(template: string, values: Values): string {
  return template.replaceAll(/<(\w+)>/g, (_whole, name) => values[name] ?? "-");
}

/** What only the server knows is taken from the line; everything else has to be as expected. */
function assertLine(line: string | undefined, template: string, values: Values): void {
  assert.ok(line !== undefined, "there is a line");
  const [, time = ""] = TIME.exec(line) ?? [];
  const [, ms = ""] = /" (\d+) x_forwarded_for/.exec(line) ?? [];
  const [, seconds = ""] = /request_time:"(\d+\.\d{6})"$/.exec(line) ?? [];
  assert.ok(Math.abs(Date.parse(time.replace(/:/, " ")) - Date.now()) < 60_000, time);
  assert.equal(line, filled(template, { time, ms, seconds, ...values }));
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64");
const identity = (value: object): string => `X-RH-IDENTITY: ${base64({ identity: value })}`;
const cid = "0d29c1f6c5a24c3f9f2e6a9f4b8d7e11";

test("lines of the API are those of the template, byte by byte", async (t) => {
  const get = "GET /api/pypi/a/b/simple/c/?x=1 HTTP/1.1";
  const cases: readonly (readonly [string, Values])[] = [
    [identity({ org_id: "44", user: { username: "mara" } }), { user: "mara", org: "44" }],
    [
      identity({ org_id: 44, x509: { subject_dn: "/O=E/UID=c" } }),
      { user: "/O=E/UID=c", org: "44" },
    ],
    [identity({ associate: { email: "o@example.org" } }), { user: "o@example.org" }],
    [identity({ registry: { org_id: "7", username: "p" } }), { user: "p", org: "7" }],
    [
      identity({ org_id: "", user: { username: null }, x509: { subject_dn: "dn" } }),
      { user: "dn" },
    ],
    [identity({ org_id: "44", system: { cn: "h" } }), { org: "44" }],
    ["X-RH-IDENTITY:", {}],
    ["X-Other: 1", {}],
    [
      'User-Agent: a "b" \t\u0080c\r\nReferer: r',
      { agent: 'a \\"b\\" \\u0009\\u0080c', referer: "r" },
    ],
    ["X-Forwarded-For: 10.1.1.1, 10.2.2.2", { forwarded: "10.1.1.1, 10.2.2.2" }],
  ];
  const requests = cases.map(([head], index) => ({
    head: `${get}\r\n${head}`,
    answer: { "correlation-id": cid },
    ...(index === 0 ? { body: "abc" } : {}),
  }));
  const { lines, told } = await record(t, SERVICE_API_ACCESS_FORMAT, requests);

  assert.equal(lines.length, cases.length);
  for (const [index, [, values]] of cases.entries()) {
    const answer = index === 0 ? { status: "200", bytes: "3" } : { status: "204" };
    assertLine(lines[index], API_LINE, { cid, request: get, ...answer, ...values });
  }
  assert.equal(told, "");
});

test("an identity that cannot be read is told, and the request goes on", async (t) => {
  const unreadable = ["abcde", "bm9uZQ==", base64([]).slice(0, -1), "A".repeat(20_000)];
  const heads = [...unreadable, base64({ identity: { internal: { org_id: "1" } } }), base64("x")];
  const { lines, told } = await record(
    t,
    SERVICE_API_ACCESS_FORMAT,
    heads.map((value) => ({ head: `GET / HTTP/1.1\r\nX-RH-IDENTITY: ${value}` })),
  );

  assert.equal(lines.length, heads.length);
  for (const line of lines) {
    assertLine(line, API_LINE, { request: "GET / HTTP/1.1", status: "204" });
  }
  assert.equal(told.match(/ERROR: The X-RH-IDENTITY header could not be read/g)?.length, 4);
  const neither =
    /WARNING: X-RH-IDENTITY present but neither username nor org_id could be derived from identity header\./g;
  assert.equal(told.match(neither)?.length, 2);
});

test("lines of the content app are those of the template, byte by byte", async (t) => {
  const answer = { "x-pulp-cache": "HIT", "X-PULP-ARTIFACT-SIZE": "12", "X-RH-ORG-ID": "44" };
  const { lines } = await record(t, SERVICE_CONTENT_ACCESS_FORMAT, [
    { head: "GET /c/d/e.whl HTTP/1.1\r\nUser-Agent: pip/26", answer, body: "x".repeat(12) },
    { head: "GET /c/%22 HTTP/1.1\r\nX-Forwarded-For: 1.2.3.4", body: "" },
  ]);

  assertLine(lines[0], CONTENT_LINE, {
    ...{ request: "GET /c/d/e.whl HTTP/1.1", status: "200", bytes: "12", agent: "pip/26" },
    ...{ cache: "HIT", size: "12", org: "44" },
  });
  assertLine(lines[1], CONTENT_LINE, {
    ...{ request: "GET /c/%22 HTTP/1.1", status: "200", bytes: "0", forwarded: "1.2.3.4" },
  });
});

test("what dashboards and exports take apart is found in the lines", async (t) => {
  const head = [
    "GET /api/pypi/team-a/idx/simple/attrs/ HTTP/1.1",
    identity({ org_id: "44", user: { username: "mara" } }),
    "X-Forwarded-For: 10.1.1.1, 10.2.2.2",
    "User-Agent: pip/26.3",
  ].join("\r\n");
  const { lines } = await record(t, SERVICE_API_ACCESS_FORMAT, [{ head, body: "abc" }]);

  const pattern =
    /user:(?<user>.*?) org_id:(?<org>\S+) \[(?<time>[^\]]+)\] "(?<method>\S+) (?<path>\S+) [^"]+" (?<status>\d{3}) (?<bytes>\S+) "(?<referer>[^"]*)" "(?<agent>[^"]*)".* x_forwarded_for:"(?<client>[^",]*)/;
  const { time: _time, ...found } = pattern.exec(lines[0] ?? "")?.groups ?? {};
  assert.deepEqual(
    { ...found },
    {
      ...{ user: "mara", org: "44", method: "GET", path: "/api/pypi/team-a/idx/simple/attrs/" },
      ...{ status: "200", bytes: "3", referer: "-", agent: "pip/26.3", client: "10.1.1.1" },
    },
  );
});

test("lines of the founding document's templates are those templates, byte by byte", async (t) => {
  const request = "GET /a?b=c HTTP/1.1";
  const head = `${request}\r\nUser-Agent: pip/26\r\nX-Forwarded-For: 1.2.3.4`;
  const values = { request, status: "200", bytes: "3", agent: "pip/26", forwarded: "1.2.3.4" };
  const answer = { "correlation-id": cid, "X-PULP-CACHE": "MISS", "X-RH-ORG-ID": "7" };
  for (const [name, line] of [
    ["api", API_LINE],
    ["apiInDevelopment", API_LINE_IN_DEVELOPMENT],
    ["content", UNTIMED_CONTENT_LINE],
  ] as const) {
    const { lines } = await record(t, FOUNDING_ACCESS_LINES[name], [{ head, answer, body: "abc" }]);
    assertLine(lines[0], line, {
      ...{ ...values, cid, cache: "MISS" },
      ...(name === "content" ? { org: "7" } : {}),
    });
  }
  assert.equal(SERVICE_API_ACCESS_FORMAT, FOUNDING_ACCESS_LINES.api);
});

/** What the panels and queries of service §20 and the exports of §23 take out of a line. */
const PANELS: Readonly<Record<string, RegExp>> = {
  "users by type, top users": /user:(?<value>.*?) org_id:/,
  "top organisations": / org_id:(?<value>\S+) \[/,
  "top packages": /"GET \/api\/pypi\/[^/]+\/.+\/simple\/(?<value>[^/]+)\/ HTTP/,
  "domain and distribution": /"\S+ \/api\/pypi\/(?<value>[^/]+\/.+)\/simple\//,
  "top client addresses": / x_forwarded_for:"(?<value>[^",]*)/,
  status: /HTTP\/1\.1" (?<value>\d{3}) /,
  milliseconds: /" (?<value>\d+) x_forwarded_for/,
};
const CONTENT_PANELS: Readonly<Record<string, RegExp>> = {
  "cache hit ratio": / cache:"(?<value>[^"]*)"/,
  "requested size": / artifact_size:"(?<value>\d+)"/,
  domain: /"GET \/api\/pulp-content\/(?<value>[^/]+)\//,
  "rpm requests": /"GET (?<value>\S+\.rpm) HTTP/,
  organisation: / rh_org_id:"(?<value>[^"]*)"/,
  seconds: / request_time:"(?<value>[\d.]+)"/,
};

const found = (patterns: Readonly<Record<string, RegExp>>, line: string) =>
  Object.fromEntries(
    Object.entries(patterns).map(([name, pattern]) => [name, pattern.exec(line)?.groups?.value]),
  );

test("each panel of the dashboards finds its value, within parentheses as well", async (t) => {
  const head = [
    "GET /api/pypi/team-a/rhoai/3.3/simple/attrs/ HTTP/1.1",
    identity({ org_id: "44", x509: { subject_dn: "/O=Example/OU=a b/UID=ci" } }),
    "X-Forwarded-For: 10.1.1.1, 10.2.2.2",
  ].join("\r\n");
  for (const format of [SERVICE_API_ACCESS_FORMAT, `(${SERVICE_API_ACCESS_FORMAT})`]) {
    const { lines } = await record(t, format, [{ head, body: "abc" }]);
    const { milliseconds, ...values } = found(PANELS, lines[0] ?? "");
    assert.match(milliseconds ?? "", /^\d+$/);
    assert.deepEqual(values, {
      "users by type, top users": "/O=Example/OU=a b/UID=ci",
      ...{ "top organisations": "44", "top packages": "attrs", status: "200" },
      "domain and distribution": "team-a/rhoai/3.3",
      "top client addresses": "10.1.1.1",
    });
  }
  const download = "GET /api/pulp-content/team-a/rhel/a-1.rpm HTTP/1.1\r\nX-Other: 1";
  const answer = { "X-PULP-CACHE": "HIT", "X-PULP-ARTIFACT-SIZE": "12", "X-RH-ORG-ID": "44" };
  const { lines } = await record(t, SERVICE_CONTENT_ACCESS_FORMAT, [{ head: download, answer }]);
  const { seconds, ...values } = found(CONTENT_PANELS, lines[0] ?? "");
  assert.match(seconds ?? "", /^\d+\.\d{6}$/);
  assert.deepEqual(values, {
    ...{ "cache hit ratio": "HIT", "requested size": "12", domain: "team-a", organisation: "44" },
    "rpm requests": "/api/pulp-content/team-a/rhel/a-1.rpm",
  });
});
