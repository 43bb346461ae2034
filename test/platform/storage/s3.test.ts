import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { JsonObject } from "#base/json.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";
import { createS3Storage } from "#platform/storage/s3/s3.ts";
import { get, put } from "../../contract/storage.ts";
import { type Answer, createUpstream, type Upstream } from "../../support/upstream.ts";

const MIB = 1024 * 1024;

async function storeAt(t: TestContext, url: string, more: JsonObject = {}, isMarked = false) {
  const root = await mkdtemp(join(tmpdir(), "deckle-s3-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const own = { fileMode: null, directoryMode: null, processId: uuid7() };
  const local = createFileSystemStorage({ root, algorithms: ["sha256"], ...own });
  const credentials = { access_key: "key", secret_key: "secret", bucket_name: "bkt" };
  const options = { ...credentials, endpoint_url: url, ...more };
  return createS3Storage({ options, local, isMarked });
}

const xml =
  (status: number, body: string): Answer =>
  (_request, response) => {
    response.writeHead(status, { "content-type": "application/xml" });
    response.end(body);
  };
const failure = (status: number, code: string) =>
  xml(status, `<Error><Code>${code}</Code><Message>x</Message></Error>`);
const ok: Answer = (_request, response) => {
  response.writeHead(200, { etag: '"e"' }).end();
};
const sized =
  (bytes: number): Answer =>
  (_request, response) => {
    response.writeHead(200, { "content-length": bytes, etag: '"e"' }).end();
  };
const byMethod =
  (answers: Readonly<Record<string, Answer>>): Answer =>
  (request, response) =>
    (answers[request.method] ?? ok)(request, response);

const methodsOf = ({ requests }: Upstream) => requests.map(({ method }) => method);

test("a store that asks to slow down is asked again", async (t) => {
  const upstream = await createUpstream(t);
  let puts = 0;
  const slow: Answer = (request, response) => {
    puts += 1;
    (puts < 3 ? failure(503, "SlowDown") : ok)(request, response);
  };
  upstream.on("/bkt/a/x?x-id=PutObject", slow);
  upstream.on("/bkt/a/x", sized(5));
  const store = await storeAt(t, upstream.url);

  await put(store, "a/x", Buffer.from("bytes"));

  assert.deepEqual(methodsOf(upstream), ["PUT", "PUT", "PUT", "HEAD"]);
  const { headers } = upstream.requests[2] ?? {};
  assert.match(String(headers?.["x-amz-checksum-sha256"]), /^[\w+/]{43}=$/);
});

test("what is stored is for whom default_acl says, and for nobody in particular without it", async (t) => {
  for (const [default_acl, sent] of [
    ["public-read", "public-read"],
    [null, undefined],
  ] as const) {
    const upstream = await createUpstream(t);
    upstream.on("/bkt/a/x?x-id=PutObject", ok);
    upstream.on("/bkt/a/x", sized(5));
    await put(await storeAt(t, upstream.url, { default_acl }), "a/x", Buffer.from("bytes"));
    assert.equal(upstream.requests[0]?.headers["x-amz-acl"], sent);
  }
});

test("the ETag of a store need not be a digest of the bytes", async (t) => {
  const upstream = await createUpstream(t);
  const odd: Answer = (_request, response) => {
    response.writeHead(200, { "content-length": 5, etag: '"not-a-digest-17"' });
    response.end(response.req.method === "GET" ? "bytes" : undefined);
  };
  upstream.on("/bkt/a/x?x-id=PutObject", ok);
  upstream.on("/bkt/a/x?x-id=GetObject", odd);
  upstream.on("/bkt/a/x", odd);
  const store = await storeAt(t, upstream.url);
  await put(store, "a/x", Buffer.from("bytes"));
  assert.equal(String(await get(store, "a/x")), "bytes");
});

test("what the store has less of than was sent does not count as stored", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/bkt/a/x?x-id=PutObject", ok);
  upstream.on("/bkt/a/x", sized(4));
  const store = await storeAt(t, upstream.url);
  const told = { code: "storage-unavailable", message: /4 of 5 bytes arrived/ };
  await assert.rejects(put(store, "a/x", Buffer.from("bytes")), told);
});

const BEGUN =
  "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
const COMPLETED = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>";

/** Answers an upload in parts; `complete` answers its last request. */
function parts(complete: Answer, part: Answer = ok): Answer {
  return (request, response) => {
    const { searchParams } = new URL(request.path, "http://s3");
    if (searchParams.has("uploads")) return xml(200, BEGUN)(request, response);
    if (searchParams.has("partNumber")) return part(request, response);
    return byMethod({ POST: complete, HEAD: sized(11 * MIB) })(request, response);
  };
}

for (const [name, upload, told] of [
  [
    "says 200 and an error in its last answer",
    parts(xml(200, "<Error><Code>InternalError</Code><Message>x</Message></Error>")),
    /InternalError/,
  ],
  ["refuses a part", parts(xml(200, COMPLETED), failure(403, "AccessDenied")), /AccessDenied/],
] as const) {
  test(`an upload in parts is given up where the store ${name}`, async (t) => {
    const upstream = await createUpstream(t);
    upstream.otherwise(upload);
    const store = await storeAt(t, upstream.url);
    await assert.rejects(put(store, "a/x", randomBytes(11 * MIB)), told);
    const [last] = upstream.requests.slice(-1);
    assert.deepEqual(
      [last?.method, last?.path],
      ["DELETE", "/bkt/a/x?uploadId=u&x-id=AbortMultipartUpload"],
    );
  });
}

test("an upload in parts is whole when all parts and its end are", async (t) => {
  const upstream = await createUpstream(t);
  upstream.otherwise(parts(xml(200, COMPLETED)));
  const store = await storeAt(t, upstream.url);
  await put(store, "a/x", randomBytes(11 * MIB));
  const numbers = upstream.requests.map(({ path }) => /partNumber=(\d+)/.exec(path)?.[1]);
  assert.deepEqual(numbers.filter(Boolean).sort(), ["1", "2"]);
});

for (const [name, refusal] of [
  ["knows no conditions", failure(501, "NotImplemented")],
  ["is making the object for somebody else", failure(409, "ConditionalRequestConflict")],
  ["has another object there", failure(412, "PreconditionFailed")],
] as const) {
  test(`a new object is put all the same where the store ${name}`, async (t) => {
    const upstream = await createUpstream(t);
    const puts: (string | undefined)[] = [];
    const put_: Answer = (request, response) => {
      puts.push(request.headers["if-none-match"]);
      (puts.at(-1) === undefined ? ok : refusal)(request, response);
    };
    upstream.otherwise(byMethod({ PUT: put_, HEAD: sized(5) }));
    const store = await storeAt(t, upstream.url, {}, true);
    await put(store, "a/x", Buffer.from("bytes"));
    assert.deepEqual([...new Set(puts)], ["*", undefined]);
  });
}

test("a download that breaks off or is short fails, and never ends as if it were whole", async (t) => {
  const upstream = await createUpstream(t);
  const cut: Answer = (_request, response) => {
    response.writeHead(206, { "content-length": 100, etag: '"e"' });
    response.write(Buffer.alloc(40));
    setTimeout(() => response.destroy(), 20);
  };
  const short: Answer = (_request, response) => {
    response.writeHead(206, { "content-length": 60, etag: '"e"' }).end(Buffer.alloc(60));
  };
  for (const [get_, code] of [
    [cut, /^storage-(unavailable|truncated)$/],
    [short, /^storage-truncated$/],
  ] as const) {
    upstream.on("/bkt/a/x", byMethod({ HEAD: sized(100), GET: get_ }));
    upstream.on("/bkt/a/x?x-id=GetObject", get_);
    const store = await storeAt(t, upstream.url);
    await assert.rejects(get(store, "a/x"), { code });
    await using object = await store.open("a/x");
    await assert.rejects(object.read(0, 100), { code });
  }
});

test("an object that was replaced after it was opened is not mixed with the new one", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/bkt/a/x", sized(10));
  upstream.on("/bkt/a/x?x-id=GetObject", failure(412, "PreconditionFailed"));
  const store = await storeAt(t, upstream.url);
  await using object = await store.open("a/x");
  await assert.rejects(object.read(0, 10), { code: "storage-missing" });
  assert.equal(upstream.requests.at(-1)?.headers["if-match"], '"e"');
});

const wanted = { method: "GET", fileName: "f.rpm", contentType: "application/x-rpm" } as const;

test("addresses: plain, on a custom domain, signed for CloudFront, with a bucket's own host", async (t) => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const cloudfront_key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const address = async (more: JsonObject) =>
    new URL(
      (await (await storeAt(t, "http://s3.example:1", more)).redirect("a/b c", wanted)) ?? "",
    );
  const custom_domain = "cdn.example";

  const plain = await address({ querystring_auth: false });
  assert.equal(plain.href, "http://s3.example:1/bkt/a/b%20c");
  assert.equal((await address({ custom_domain })).href, "https://cdn.example/a/b%20c");
  const signed = await address({ custom_domain, cloudfront_key_id: "K", cloudfront_key });
  assert.equal(signed.host, "cdn.example");
  assert.equal(signed.searchParams.get("response-content-type"), "application/x-rpm");
  assert.equal(
    signed.searchParams.get("response-content-disposition"),
    "attachment;filename=f.rpm",
  );
  assert.equal(signed.searchParams.get("Key-Pair-Id"), "K");
  const inHost = await address({ addressing_style: "virtual", location: "deep" });
  assert.equal(inHost.host, "bkt.s3.example:1");
  assert.equal(inHost.pathname, "/deep/a/b%20c");
});
