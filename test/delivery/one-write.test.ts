import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import type { Ctx } from "#core/ctx.ts";
import { frequentAnswer } from "#delivery/answer.ts";
import { openExchange } from "#delivery/exchange.ts";
import { OpenFiles } from "#delivery/open-files.ts";
import { type SendOptions, send } from "#delivery/send.ts";

/** Bytes that are no UTF-8, to be sent as they are. */
const BODY = Buffer.from([...Buffer.from("{}"), 0, 0xff, 0xc3, 0x28, 0x0d, 0x0a]);
const TYPE = "application/vnd.example";

/** Asks over a connection of its own, and reads until it ends. */
async function createTalk(t: TestContext, body = BODY, marks: readonly SendOptions["mark"][] = []) {
  let sent = 0;
  const headers = { "Content-Type": TYPE, ETag: '"e"' };
  const answer = frequentAnswer(body, { headers, validators: { etag: '"e"' } });
  const tools = { ctx: {} as Ctx, files: new OpenFiles(1) };
  const server = createServer((request, response) => {
    if (request.url === "/marked") response.setHeader("OCI-Namespace", "docker.io");
    void send(tools, openExchange(request, response), { answer, mark: marks[sent++] });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return async (text: string): Promise<string> => {
    const socket = connect(port, "127.0.0.1").end(text, "latin1");
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    return Buffer.concat(chunks).toString("latin1");
  };
}

const ask = (method: string, more = "", version = "1.1") =>
  `${method} /x HTTP/${version}\r\nHost: x\r\n${more}\r\n`;

/** Without what differs from one answer to the next; both have their form. */
function timeless(text: string): string {
  return text
    .replaceAll(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/g, "\r\nDate: now\r\n")
    .replaceAll(
      /\r\nCorrelation-ID: [0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\r\n/g,
      "\r\nID\r\n",
    );
}

test("later answers are byte for byte like the first, which Node has written", async (t) => {
  const talk = await createTalk(t);

  const [first = "", ...later] = (await talk(ask("GET").repeat(4))).split(/(?=HTTP\/1\.1 200)/);

  assert.match(timeless(first), /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(timeless(first), /\r\nID\r\n(?:.*\r\n)*Content-Length: 8\r\nDate: now\r\n/);
  assert.ok(first.endsWith(`\r\n\r\n${BODY.toString("latin1")}`));
  assert.deepEqual(later.map(timeless), Array(3).fill(timeless(first)));
  const ids = [first, ...later].map((text) => /Correlation-ID: (\w+)/.exec(text)?.[1]);
  assert.equal(new Set(ids).size, 4);
});

test("what is special about a request or an answer is as it would be without it", async (t) => {
  const warm = await createTalk(t);
  await warm(ask("GET").repeat(2));
  const id = "0123456789abcdef0123456789abcdef";
  const cases = [
    ask("HEAD"),
    ask("HEAD") + ask("GET"),
    ask("GET", "Connection: close\r\n"),
    ask("GET", "", "1.0"),
    ask("GET", "Connection: keep-alive\r\n", "1.0"),
    ask("GET", 'If-None-Match: "e"\r\n'),
    ask("GET", 'If-Match: "other"\r\n'),
    ask("GET", "Range: bytes=0-1\r\n"),
    ask("GET", `Correlation-ID: ${id}\r\n`),
    ask("GET", "Expect: 100-continue\r\n"),
    ask("GET").replace("/x", "/marked"),
  ];

  for (const text of cases) {
    const cold = await createTalk(t);
    assert.equal(timeless(await warm(text)), timeless(await cold(text)), text);
  }
  assert.match(await warm(ask("GET", `Correlation-ID: ${id}\r\n`)), new RegExp(`: ${id}\r\n`));
});

test("a large body is not copied, and is sent as a small one is", async (t) => {
  const small = frequentAnswer(Buffer.alloc(16_384), { headers: {} });
  const large = frequentAnswer(Buffer.alloc(16_385), { headers: {} });
  const talk = await createTalk(t, Buffer.alloc(100_000, "x"));

  const [first = "", ...later] = (await talk(ask("GET").repeat(3))).split(/(?=HTTP\/1\.1 200)/);

  assert.deepEqual([small.weight, large.weight], [32_768, 16_385]);
  assert.ok(first.endsWith(`\r\n\r\n${"x".repeat(100_000)}`));
  assert.deepEqual(later.map(timeless), Array(2).fill(timeless(first)));
});

test("answers that tell of the cache have a head of their own", async (t) => {
  const marks = ["MISS", "HIT", undefined, "HIT"] as const;
  const talk = await createTalk(t, BODY, marks);

  const answers = (await talk(ask("GET").repeat(4))).split(/(?=HTTP\/1\.1 200)/);

  const told = answers.map((text) => /X-PULP-CACHE: (\w+)/.exec(text)?.[1]);
  assert.deepEqual(told, marks);
  assert.equal(timeless(answers[3] ?? ""), timeless(answers[1] ?? ""));
});
