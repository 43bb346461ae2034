import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  SERVICE_API_ACCESS_FORMAT,
  SERVICE_CONTENT_ACCESS_FORMAT,
} from "#platform/log/access-log.ts";
import { accessLine } from "../operator/support/access-lines.ts";
import { runOperator } from "../operator/support/operator.ts";
import { readParquet } from "./support/parquet.ts";
import { type S3Server, startS3 } from "./support/s3-server.ts";

const stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), "deckle-exports-"));
const parts: { s3?: S3Server } = {};
const s3 = (): S3Server => parts.s3 ?? assert.fail("moto is not started yet");

before(async () => {
  parts.s3 = stack.use(await startS3());
});
after(async () => {
  await stack.disposeAsync();
  await rm(folder, { recursive: true, force: true });
});

const file = (name: string) => join(folder, name);

/** A simple page of a package, asked for at a second of an hour. */
const pageLine = (n: number, more: object = {}) =>
  accessLine(SERVICE_API_ACCESS_FORMAT, {
    path: `/api/pypi/team/idx/simple/pkg-${n}/`,
    at: new Date(Date.UTC(2026, 7, 12, 9) + n * 1000).toISOString(),
    request: { "user-agent": "pip/26.3", "x-forwarded-for": "1.2.3.4, 10.0.0.1" },
    environment: { REMOTE_USER: "44|mara", ORG_ID: "44" },
    ...more,
  });

test("pyarrow reads an export of the API's log", async () => {
  const lines = [
    pageLine(0),
    `(${pageLine(1, { environment: {}, request: {} })})`,
    pageLine(2, { path: "/livez/" }),
    "pulp [f00]: deckle.api:INFO: no access line",
  ];
  await writeFile(file("api.log"), `${lines.join("\n")}\n`);
  await writeFile(file("api.log.1.gz"), gzipSync(`${pageLine(3)}\n${pageLine(4)}`));

  const input = ["--input", file("api.log"), "--input", file("api.log.1.gz")];
  const output = ["--output-path", file("api.parquet")];
  const done = await runOperator(["export-access-logs", ...input, ...output]);
  assert.equal(done.code, 0, done.err);
  assert.equal(done.out, `4 rows in ${file("api.parquet")}\n`);
  assert.match(done.err, /^1 lines left out: not access lines\.$/m);
  assert.match(done.err, /^1 lines left out: of other paths\.$/m);

  const { schema, codecs, rows } = await readParquet(file("api.parquet"));
  assert.deepEqual(codecs, ["SNAPPY"]);
  assert.deepEqual(schema, {
    ...{ timestamp: ["timestamp[ns]", false], message: ["string", false] },
    ...{ user: ["string", true], org_id: ["string", true], domain: ["string", true] },
    ...{ distribution: ["string", true], package: ["string", true] },
    ...{ status_code: ["int16", false], user_agent: ["string", true] },
    x_forwarded_for: ["string", true],
  });
  assert.deepEqual(rows[0], {
    ...{ timestamp: "2026-08-12 09:00:00", message: lines[0], user: "44|mara", org_id: "44" },
    ...{ domain: "team", distribution: "idx", package: "pkg-0", status_code: 200 },
    ...{ user_agent: "pip/26.3", x_forwarded_for: "1.2.3.4" },
  });
  assert.deepEqual([rows[1]?.user, rows[1]?.org_id, rows[1]?.user_agent], [null, null, null]);

  const times = ["--start-time", "2026-08-12T09:00:03Z", "--end-time", "2026-08-12T09:00:04Z"];
  await runOperator(["export-access-logs", ...input, ...output, ...times]);
  const some = await readParquet(file("api.parquet"));
  assert.deepEqual(
    some.rows.map((row) => row.package),
    ["pkg-3"],
  );
});

test("without a row there is no file, and flags that say nothing are refused", async () => {
  await writeFile(file("empty.log"), "nothing of ours\n");
  const words = ["export-access-logs", "--input", file("empty.log")];
  const none = await runOperator([...words, "--output-path", file("none.parquet")]);
  assert.deepEqual([none.code, none.out], [0, ""]);
  await assert.rejects(access(file("none.parquet")));
  const refused = async (...given: readonly string[]) => {
    const { code, err } = await runOperator(given);
    assert.equal(code, 1);
    return err;
  };
  assert.match(await refused(...words), /Give --output-path FILE or s3:/);
  const output = ["--output-path", file("x.parquet")];
  assert.match(await refused("export-access-logs", ...output), /Give either --cloudwatch-group/);
  assert.match(await refused("export-content-logs", ...output), /maven, python, rpm/);
  assert.match(
    await refused("export-access-logs", "--input", file("missing.log"), ...output),
    /missing\.log cannot be used: ENOENT/,
  );
  await writeFile(file("one.log"), pageLine(0));
  const nowhere = join(folder, "no", "x.parquet");
  assert.match(
    await refused("export-access-logs", "--input", file("one.log"), "--output-path", nowhere),
    /x\.parquet\.part cannot be used: ENOENT\.$/m,
  );
  assert.match(
    await refused("upload-parquet", "--source", file("empty.log"), "--destination", "s3://b"),
    /'s3:\/\/b' must be s3:\/\/BUCKET/,
  );
});

test("a large log goes to a bucket in several groups, in little memory", async () => {
  const log = createWriteStream(file("large.log"));
  const count = 120_000;
  for (let n = 0; n < count; n += 1) {
    if (!log.write(`${pageLine(n % 3600)}\n`)) {
      await new Promise<void>((resolve) => log.once("drain", resolve));
    }
  }
  await new Promise<void>((resolve) => log.end(resolve));
  const { bucket_name, endpoint_url, access_key, secret_key } = await s3().bucket();
  const flags = [
    ...["--s3-endpoint-url", String(endpoint_url), "--s3-region", "us-east-1"],
    ...["--s3-access-key-id", String(access_key), "--s3-secret-access-key", String(secret_key)],
  ];
  const target = `s3://${bucket_name}/logs/large.parquet`;
  const done = await runOperator(
    ["export-access-logs", "--input", file("large.log"), "--output-path", target, ...flags],
    // A heap that could not hold what is read, let alone the rows.
    { NODE_OPTIONS: "--max-old-space-size=96" },
  );
  assert.equal(done.code, 0, done.err);
  assert.equal(done.out, `${count} rows in ${target}\n`);
  const client = new S3Client({
    ...{ endpoint: String(endpoint_url), region: "us-east-1", forcePathStyle: true },
    credentials: { accessKeyId: String(access_key), secretAccessKey: String(secret_key) },
  });
  const stored = await client.send(
    new GetObjectCommand({ Bucket: String(bucket_name), Key: "logs/large.parquet" }),
  );
  await writeFile(file("large.parquet"), stored.Body as Readable);
  client.destroy();
  const { groups } = await readParquet(file("large.parquet"), 1);
  assert.equal(
    groups.reduce((sum, rows) => sum + rows, 0),
    count,
  );
  assert.ok(groups.length > 3, `${groups}`);

  const again = `s3://${bucket_name}/copy.parquet`;
  const copied = await runOperator([
    ...["upload-parquet", "--source", file("large.parquet"), "--destination", again, ...flags],
  ]);
  assert.equal(copied.code, 0, copied.err);
  const missing = await runOperator([
    ...["upload-parquet", "--source", file("large.parquet"), ...flags],
    ...["--destination", "s3://no-such-bucket/x"],
  ]);
  assert.deepEqual([missing.code, missing.out], [1, ""]);
  assert.match(missing.err, /s3:\/\/no-such-bucket\/x was not written: NoSuchBucket/);
});

/** A minute with more lines than a query returns, and one line at each border of a chunk. */
const MINUTE_MS = 60_000;
/** A full hour, since log groups take nothing that is old. */
const HOUR = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const CROWDED = HOUR + 2 * MINUTE_MS;
const MANY = 12_000;

async function fillLogGroup(url: string): Promise<void> {
  const client = new CloudWatchLogsClient({
    ...{ region: "us-east-1", endpoint: url },
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  const place = { logGroupName: "api", logStreamName: "one" };
  await client.send(new CreateLogGroupCommand({ logGroupName: "api" }));
  await client.send(new CreateLogStreamCommand(place));
  const events = Array.from({ length: MANY }, (_, n) => ({
    timestamp: CROWDED + n * 5,
    message: pageLine(n),
  }));
  const wrapped = JSON.stringify({ kubernetes: {}, message: pageLine(99_999) });
  events.push(
    { timestamp: HOUR + 5 * MINUTE_MS, message: wrapped },
    { timestamp: HOUR + 10 * MINUTE_MS, message: pageLine(77_777) },
  );
  for (let at = 0; at < events.length; at += 1000) {
    const logEvents = events.slice(at, at + 1000);
    await client.send(new PutLogEventsCommand({ ...place, logEvents }));
  }
  client.destroy();
}

const AWS = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
const PERIOD = [
  ...["--cloudwatch-group", "api", "--start-time", new Date(HOUR).toISOString()],
  ...["--end-time", new Date(HOUR + 10 * MINUTE_MS).toISOString()],
];

test("each line of a log group comes once, however crowded a chunk is", async () => {
  await fillLogGroup(s3().url);
  const done = await runOperator(
    ["export-access-logs", ...PERIOD, "--output-path", file("watched.parquet")],
    { ...AWS, AWS_ENDPOINT_URL: s3().url },
  );
  assert.equal(done.code, 0, done.err);
  const { rows } = await readParquet(file("watched.parquet"), 100_000);
  const names = rows.map((row) => row.package);
  // The end does not belong to the period.
  assert.equal(names.length, MANY + 1);
  assert.equal(new Set(names).size, MANY + 1);
  assert.equal(names.at(-1), "pkg-99999");
  const second = new Date(CROWDED + 5).toISOString().replace(/T(.*)Z/, " $1000");
  assert.equal(rows[1]?.timestamp, second);
  const unknown = await runOperator(
    ["export-access-logs", ...PERIOD.with(1, "none"), "--output-path", file("x.parquet")],
    { ...AWS, AWS_ENDPOINT_URL: s3().url },
  );
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /The log group none was not read: ResourceNotFoundException/);
});

test("queries ask for the paths only, and one that fails is told", async (t) => {
  const asked: { readonly action: string; readonly body: Record<string, unknown> }[] = [];
  let status = "Failed";
  const server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const action = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
    asked.push({ action, body: JSON.parse(Buffer.concat(chunks).toString()) });
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.end(JSON.stringify(action === "StartQuery" ? { queryId: "q" } : { status, results }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const time = new Date(HOUR + 62_345).toISOString().replace(/T(.*)Z/, " $1");
  const fields = { "@timestamp": time, "@message": pageLine(5) };
  const results = [Object.entries(fields).map(([field, value]) => ({ field, value }))];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run = () =>
    runOperator(["export-access-logs", ...PERIOD, "--output-path", file("one.parquet")], {
      ...{ ...AWS, AWS_ENDPOINT_URL: url },
    });

  const failed = await run();
  assert.equal(failed.code, 1);
  assert.match(failed.err, /The log group api was not read: the query ended as Failed\.$/m);
  assert.deepEqual(
    asked[0]?.body.queryString,
    [
      ...["fields @timestamp, @message", 'filter @message like "/api/pypi/"'],
      ...["sort @timestamp asc", "limit 10000"],
    ].join(" | "),
  );
  status = "Complete";
  const good = await run();
  assert.equal(good.code, 0, good.err);
  const { rows } = await readParquet(file("one.parquet"));
  // It is a row of the first of both chunks, whose answers are the same.
  assert.deepEqual(
    rows.map((row) => row.timestamp),
    [`${time}000`],
  );
});

test("pyarrow reads downloads of each kind", async () => {
  const download = (path: string, more: object = {}) =>
    accessLine(SERVICE_CONTENT_ACCESS_FORMAT, {
      path: `/api/pulp-content/${path}`,
      response: {
        ...{ "x-pulp-cache": "HIT", "x-pulp-artifact-size": "5000000000" },
        "x-rh-org-id": "44",
      },
      ...{ ms: 1234.5678, ...more },
    });
  const lines = [
    download("team/idx/a-1.0-py3-none-any.whl", { response: {} }),
    download("team/el/Packages/b/bash-5.1-2.el9.x86_64.rpm"),
    download("team/rel/org/example/lib/1.0/lib-1.0-sources.jar", { status: 302 }),
    download("team/el/repodata/repomd.xml"),
  ];
  await writeFile(file("content.log"), lines.join("\n"));
  const exported = async (kind: string) => {
    const output = file(`${kind}.parquet`);
    const done = await runOperator([
      ...["export-content-logs", "--content-type", kind, "--input", file("content.log")],
      ...["--output-path", output],
    ]);
    assert.equal(done.code, 0, done.err);
    assert.match(done.err, /^3 lines left out: of other paths\.$/m);
    const { schema, rows } = await readParquet(output);
    return {
      types: Object.fromEntries(Object.entries(schema).map(([n, [type]]) => [n, type])),
      row: rows[0],
    };
  };

  const rpm = await exported("rpm");
  assert.deepEqual(rpm.types, {
    ...{ timestamp: "timestamp[ns]", domain: "string", distribution: "string" },
    ...{ package_name: "string", package_version: "string", architecture: "string" },
    ...{ artifact_path: "string", artifact_size: "int64", status_code: "int16" },
    ...{ cache_hit: "bool", user_agent: "string", org_id: "string", x_forwarded_for: "string" },
    ...{ request_time_ms: "int32", epoch: "int32", release: "string" },
  });
  assert.deepEqual(rpm.row, {
    ...{ timestamp: "2026-08-12 09:30:00", domain: "team", distribution: "el" },
    ...{ package_name: "bash", package_version: "5.1", architecture: "x86_64" },
    ...{ artifact_path: "Packages/b/bash-5.1-2.el9.x86_64.rpm", artifact_size: 5_000_000_000 },
    ...{ status_code: 200, cache_hit: true, user_agent: null, org_id: "44" },
    ...{ x_forwarded_for: null, request_time_ms: 1235, epoch: null, release: "2.el9" },
  });
  const python = await exported("python");
  assert.deepEqual(
    [python.row?.pyver, python.row?.abi, python.row?.build_tag, python.row?.cache_hit],
    ["py3", "none", null, null],
  );
  const maven = await exported("maven");
  assert.deepEqual(
    [maven.row?.group_id, maven.row?.classifier, maven.row?.packaging, maven.row?.status_code],
    ["org.example", "sources", "jar", 302],
  );
});
