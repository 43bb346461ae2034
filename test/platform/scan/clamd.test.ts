import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { Clamd } from "#platform/scan/clamd.ts";

/** A daemon that misbehaves as it is told. */
async function daemon(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    onConnection(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const clamd = (port: number, timeoutMs = 5000) => new Clamd({ host: "127.0.0.1", port, timeoutMs });

async function* zeros(count: number, onPiece: () => void = () => {}): AsyncGenerator<Buffer> {
  for (let number = 0; number < count; number += 1) {
    onPiece();
    yield Buffer.alloc(1_048_576);
  }
}

/** Calls back with the stream that the client framed, once it is complete. */
function receive(socket: Socket, onStream: (bytes: Buffer) => void): void {
  let waiting = Buffer.alloc(0);
  const pieces: Buffer[] = [];
  let isStarted = false;
  socket.on("data", (data) => {
    waiting = Buffer.concat([waiting, data]);
    if (!isStarted) {
      const command = "zINSTREAM\0";
      if (waiting.length < command.length) return;
      assert.equal(waiting.subarray(0, command.length).toString(), command);
      waiting = waiting.subarray(command.length);
      isStarted = true;
    }
    while (waiting.length >= 4) {
      const length = waiting.readUInt32BE();
      assert.ok(length <= 1_048_576);
      if (length === 0) return onStream(Buffer.concat(pieces));
      if (waiting.length < 4 + length) return;
      pieces.push(waiting.subarray(4, 4 + length));
      waiting = waiting.subarray(4 + length);
    }
  });
}

test("bytes arrive in chunks of bounded length, whole and in order", async (t) => {
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  let received = Buffer.alloc(0);
  const port = await daemon(t, (socket) =>
    receive(socket, (bytes) => {
      received = Buffer.from(bytes);
      socket.end("stream: OK\0");
    }),
  );
  async function* pieces() {
    yield sent.subarray(0, 1);
    yield Buffer.alloc(0);
    yield sent.subarray(1);
  }
  assert.deepEqual(await clamd(port).scan(pieces()), { kind: "clean" });
  assert.ok(received.equals(sent));
});

const answers: readonly (readonly [string, object])[] = [
  ["stream: OK\0", { kind: "clean" }],
  ["stream: Eicar-Test FOUND\0", { kind: "infected", signature: "Eicar-Test" }],
  ["stream: A: b (c) FOUND\n", { kind: "infected", signature: "A: b (c)" }],
  ["INSTREAM size limit exceeded. ERROR\0", { kind: "oversize" }],
  ["stream: Can't read. ERROR\0", { kind: "failed", reason: "stream: Can't read. ERROR" }],
  ["HTTP/1.1 400 Bad Request\n", { kind: "failed", reason: "HTTP/1.1 400 Bad Request" }],
  ["", { kind: "failed", reason: "it closed the connection without an answer" }],
  ["x".repeat(5000), { kind: "failed", reason: "its answer has no end" }],
];

for (const [answer, verdict] of answers) {
  test(`the answer ${JSON.stringify(answer.slice(0, 40))}`, async (t) => {
    const port = await daemon(t, (socket) => receive(socket, () => socket.end(answer)));
    assert.deepEqual(await clamd(port).scan(zeros(1)), verdict);
  });
}

test("a daemon that is away", async () => {
  const verdict = await clamd(9).scan(zeros(1));
  assert.equal(verdict.kind, "failed");
  assert.match(verdict.kind === "failed" ? verdict.reason : "", /ECONNREFUSED/);
});

test("a daemon that resets the connection in the middle", async (t) => {
  const port = await daemon(t, (socket) => socket.once("data", () => socket.resetAndDestroy()));
  assert.equal((await clamd(port).scan(zeros(20))).kind, "failed");
});

test("a daemon that answers before the end is not sent the rest", async (t) => {
  const port = await daemon(t, (socket) =>
    socket.once("data", () => socket.write("INSTREAM size limit exceeded. ERROR\0")).resume(),
  );
  let pieces = 0;
  const verdict = await clamd(port).scan(zeros(1000, () => (pieces += 1)));
  assert.deepEqual(verdict, { kind: "oversize" });
  assert.ok(pieces < 1000, `${pieces} pieces`);
});

test("a daemon that does not read holds up memory as little as time", async (t) => {
  const port = await daemon(t, (socket) => socket.pause());
  let pieces = 0;
  const started = performance.now();
  const verdict = await clamd(port, 300).scan(zeros(1000, () => (pieces += 1)));
  assert.deepEqual(verdict, { kind: "failed", reason: "no answer in time" });
  assert.ok(performance.now() - started < 4000);
  assert.ok(pieces < 32, `${pieces} MiB were read ahead`);
});

test("a daemon that reads and says nothing", async (t) => {
  const port = await daemon(t, (socket) => socket.resume());
  const verdict = await clamd(port, 300).scan(zeros(1));
  assert.deepEqual(verdict, { kind: "failed", reason: "no answer in time" });
});

test("a scan that nobody wants any more ends at once", async (t) => {
  const port = await daemon(t, (socket) => socket.resume());
  const signal = AbortSignal.timeout(50);
  await assert.rejects(clamd(port).scan(zeros(1), signal), { name: "TimeoutError" });
});

test("what cannot be read is no clean file", async (t) => {
  const port = await daemon(t, (socket) => receive(socket, () => socket.end("stream: OK\0")));
  const broken = new Readable({ read: () => broken.destroy(new Error("the disk is gone")) });
  assert.deepEqual(await clamd(port).scan(broken), {
    ...{ kind: "failed", reason: "the disk is gone" },
  });
});

test("the version is asked once, and is empty where nobody answers", async (t) => {
  let asked = 0;
  const port = await daemon(t, (socket) =>
    socket.once("data", () => {
      asked += 1;
      socket.end("ClamAV 1.4.6/27000/now\0");
    }),
  );
  const known = clamd(port);
  assert.equal(await known.version(), "ClamAV 1.4.6/27000/now");
  assert.equal(await known.version(), "ClamAV 1.4.6/27000/now");
  assert.equal(asked, 1);
  assert.equal(await clamd(9).version(), "");
});
