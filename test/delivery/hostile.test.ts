import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readlink, stat } from "node:fs/promises";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { createSite, type Site } from "./site.ts";

const CP = "/pulp/content/";

/** Sends bytes as they are and reads until the server closes or has been silent for a moment. */
function raw(port: number, bytes: string | Buffer): Promise<{ text: string; isClosed: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const finish = (isClosed: boolean) => {
      socket.destroy();
      resolve({ text: Buffer.concat(chunks).toString("latin1"), isClosed });
    };
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => finish(true));
    socket.setTimeout(400, () => finish(false));
  });
}

const statusOf = (text: string): number => Number(text.slice(9, 12));
const bodyOf = (text: string): string => text.slice(text.indexOf("\r\n\r\n") + 4);

const line = `GET ${CP} HTTP/1.1\r\n`;
const host = "Host: h\r\n";
const cases: Readonly<Record<string, [request: string, statuses: number[]]>> = {
  "Content-Length and Transfer-Encoding": [
    `${line}${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    [400],
  ],
  "two Content-Lengths": [`${line}${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`, [400]],
  "chunked, identity": [
    `${line}${host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    [400],
  ],
  "hexadecimal chunk prefix": [
    `POST ${CP} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0x10\r\n`,
    [400, 405],
  ],
  "bare line feeds": [`GET ${CP} HTTP/1.1\nHost: h\n\n`, [400]],
  "folded header": [`${line}${host}X-A: 1\r\n 2\r\n\r\n`, [400]],
  "space before the colon": [`${line}${host}X-A : 1\r\n\r\n`, [400]],
  "NUL in a value": [`${line}${host}X-A: 1\u00002\r\n\r\n`, [400]],
  "carriage return in a value": [`${line}${host}X-A: 1\r2\r\n\r\n`, [400]],
  "no Host": [`${line}\r\n`, [400]],
  "two Hosts": [`${line}${host}Host: other\r\n\r\n`, [400]],
  "user in Host": [`${line}Host: a@b\r\n\r\n`, [400]],
  "open bracket in Host": [`${line}Host: [::1\r\n\r\n`, [400]],
  "space in Host": [`${line}Host: a b\r\n\r\n`, [400]],
  "request line of 70 KiB": [`GET ${CP}${"a".repeat(70_000)} HTTP/1.1\r\n${host}\r\n`, [414, 431]],
  "2 000 headers": [`${line}${host}${"X-A: 1\r\n".repeat(2000)}\r\n`, [431]],
  "one header of 17 KiB": [`${line}${host}X-A: ${"a".repeat(17_000)}\r\n\r\n`, [431]],
  "headers of 66 KiB": [`${line}${host}${`X-A: ${"a".repeat(8000)}\r\n`.repeat(9)}\r\n`, [431]],
  "absolute form": [`GET http://h${CP} HTTP/1.1\r\n${host}\r\n`, [400]],
  "authority form": [`CONNECT h:80 HTTP/1.1\r\n${host}\r\n`, [400, 405]],
  "asterisk form": [`OPTIONS * HTTP/1.1\r\n${host}\r\n`, [400, 405]],
  "another protocol": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]],
  "raw bytes outside ASCII": [`GET ${CP}\u00e9 HTTP/1.1\r\n${host}\r\n`, [400]],
};
test("requests that are no requests get a clear status and nothing else", async (t) => {
  const site = await createSite(t);
  for (const [name, [request, statuses]] of Object.entries(cases)) {
    const { text } = await raw(site.port, Buffer.from(request, "latin1"));
    assert.ok(statuses.includes(statusOf(text)), `${name}: ${text.slice(0, 80)}`);
    assert.match(bodyOf(text), /^\d{3}: /, name);
    assert.equal(text.indexOf("HTTP/1.1", 1), -1, name);
  }
  assert.equal((await site.get(CP)).status, 200);
});

test("at the limits headers pass", async (t) => {
  const site = await createSite(t);
  const headers = {
    "one header of 16 000 bytes": `X-A: ${"a".repeat(16_000)}\r\n`,
    "60 KiB of headers": `X-A: ${"a".repeat(15_000)}\r\n`.repeat(4),
    "400 headers": "X-A: 1\r\n".repeat(400),
    "IPv6 host": "",
  };
  for (const [name, header] of Object.entries(headers)) {
    const host = name === "IPv6 host" ? "[::1]:80" : "h";
    const { text } = await raw(site.port, `GET ${CP} HTTP/1.1\r\nHost: ${host}\r\n${header}\r\n`);
    assert.equal(statusOf(text), 200, name);
  }
});

test("pipelined requests are answered in turn", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [
    { path: "f", bytes: "body" },
    { path: "g", bytes: randomBytes(600_000) },
  ]);
  const get = (path: string) => `GET ${CP}${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
  const { text } = await raw(site.port, get("d/f") + get("d/g") + get("d/none") + get("d/f"));
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ["200", "200", "404", "200"]);
  assert.ok(text.endsWith("body"));
});

const attempts = [
  "../",
  "..%2f",
  "%2e%2e%2f",
  "%252e%252e%252f",
  "..%5c",
  "%2F%2F..%2F",
  "./",
  ".%2f",
];
test("paths lead nowhere at the start, in the middle and at the end", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [{ path: "a/f", bytes: "1" }]);
  for (const attempt of attempts) {
    for (const path of [
      `${CP}${attempt}etc/passwd`,
      `${CP}d/${attempt}etc/passwd`,
      `${CP}d/a/${attempt}${attempt}${attempt}etc/passwd`,
      `${CP}d/a/f${attempt}`,
      `${CP}d/a/f/${attempt}`,
      `/${attempt}pulp/content/d/a/f`,
    ]) {
      const { status } = await site.get(path);
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
    }
  }
  for (const path of [`${CP}/d/a/f`, `/${CP}d/a/f`, `${CP}d//a/f`, `${CP}d/a;b=c/../f`])
    assert.ok([400, 404].includes((await site.get(path)).status), path);
});

test("odd names come back byte for byte", async (t) => {
  const site = await createSite(t);
  const names = [
    "a b",
    "q?x",
    "h#x",
    "100%",
    "%41",
    "é",
    "e\u0301",
    "\u202eabc",
    "😀",
    "a\\b",
    "a;b=c",
    "+",
  ];
  const at = names.map((name) => ({ path: `x/${name}`, bytes: name }));
  await site.rows.published("d", at);
  for (const name of names) {
    const got = await site.get(`${CP}d/x/${encodeURIComponent(name)}`);
    assert.equal(got.body.toString(), name, name);
  }
  const json = await site.get(`${CP}d/x/`, { accept: "application/json" });
  const listed = JSON.parse(json.body.toString()).packages.map(
    ({ path }: { path: string }) => path,
  );
  assert.deepEqual(listed.sort(), [...names].sort());
  const html = (await site.get(`${CP}d/x/`)).body.toString();
  for (const [, href = ""] of html.matchAll(/href="(\.\/[^"]+)"/g)) {
    const text = href.replaceAll("&#39;", "'").replaceAll("&amp;", "&");
    const { pathname } = new URL(text, `http://h${CP}d/x/`);
    assert.equal((await site.get(pathname)).status, 200, pathname);
  }
});

test("a very long path or very many segments are just missing, and soon", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  for (const path of ["a".repeat(2049), "a".repeat(4097), "a/".repeat(2000), "a/".repeat(10_000)]) {
    const since = performance.now();
    assert.equal((await site.get(`${CP}d/${path}x`)).status, 404);
    assert.ok(performance.now() - since < 1000);
  }
});

test("a malformed second request does not get into the answer to the first", async (t) => {
  const site = await createSite(t);
  const file = randomBytes(20_000_000);
  await site.rows.published("d", [{ path: "f", bytes: file }]);
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const socket = connect(site.port, "127.0.0.1", () =>
      socket.write(`GET ${CP}d/f HTTP/1.1\r\nHost: h\r\n\r\n`),
    );
    socket.once("data", () => socket.write("JUNK\r\n\r\n"));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", () => undefined).on("close", () => resolve());
  });
  const body = Buffer.from(bodyOf(Buffer.concat(chunks).toString("latin1")), "latin1");
  assert.ok(body.length < file.length);
  assert.equal(Buffer.compare(body, file.subarray(0, body.length)), 0);
});

test("what is not part of the address changes nothing that is kept", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  const odd = {
    "x-forwarded-host": "evil",
    "x-forwarded-proto": "gopher",
    "x-original-url": "/x",
  };
  const first = await site.get(`${CP}d/`, { ...odd, host: "evil.example" });
  const second = await site.get(`${CP}d/?x=<script>`);
  assert.equal(first.body.toString(), second.body.toString());
  assert.equal(first.body.includes("evil"), false);
});

const bytes = randomBytes(5_000_000);
/** Stored files that are open; folders may be, for a moment after they were written to. */
const descriptors = async (site: Site) => {
  const links = (await readdir("/proc/self/fd")).map((fd) => `/proc/self/fd/${fd}`);
  const areOpen = await Promise.all(
    links.map(async (link) => {
      const path = await readlink(link).catch(() => "");
      if (!path.startsWith(site.mediaRoot)) return false;
      return stat(link).then(
        (found) => found.isFile(),
        () => false,
      );
    }),
  );
  return areOpen.filter(Boolean).length;
};

test("leaving at any offset leaks nothing", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [
    { path: "f", bytes },
    { path: "s", bytes: "small" },
  ]);
  await site.get(`${CP}d/f`);
  const open = await descriptors(site);
  const request = `GET ${CP}d/f HTTP/1.1\r\nHost: h\r\n\r\n`;
  for (let offset = 1; offset <= request.length; offset += 3) {
    await new Promise<void>((resolve) => {
      const socket = connect(site.port, "127.0.0.1", () => {
        socket.write(request.slice(0, offset), () => setTimeout(() => socket.resetAndDestroy(), 2));
      });
      socket.on("error", () => undefined).on("close", () => resolve());
      function setTimeout(callback: () => void, ms: number) {
        void sleep(ms).then(callback);
      }
    });
  }
  await eventually(async () => {
    const count = await new Promise<number>((resolve) =>
      site.server.servers[0]?.getConnections((_error, n) => resolve(n)),
    );
    assert.equal(count, 0);
    assert.equal(await descriptors(site), open);
  });
  assert.equal(Buffer.compare((await site.get(`${CP}d/f`)).body, bytes), 0);
});

test("a slow reader gets everything and holds no more than its share", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [{ path: "f", bytes }]);
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ port: site.port, host: "127.0.0.1" }, () =>
      socket.write(`GET ${CP}d/f HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`),
    );
    socket.on("data", (chunk) => {
      received += chunk.length;
      socket.pause();
      void sleep(3).then(() => socket.resume());
    });
    socket.on("end", resolve).on("error", reject);
  });
  assert.ok(received > bytes.length);
  await eventually(async () => assert.ok((await descriptors(site)) <= 1));
});

test("closing lets the answer under way finish, and takes no more", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [{ path: "f", bytes }]);
  let received = 0;
  const isDone = Promise.withResolvers<void>();
  const socket = connect(site.port, "127.0.0.1", () =>
    socket.write(`GET ${CP}d/f HTTP/1.1\r\nHost: h\r\n\r\n`),
  );
  socket.on("close", () => isDone.resolve()).on("error", () => isDone.resolve());
  await new Promise<void>((resolve) =>
    socket.once("data", (chunk) => {
      received += chunk.length;
      socket.pause();
      resolve();
    }),
  );
  const closed = site.server.close(AbortSignal.timeout(5000));
  await assert.rejects(site.get(`${CP}d/f`));
  socket.on("data", (chunk) => {
    received += chunk.length;
  });
  socket.resume();
  await isDone.promise;
  await closed;
  assert.ok(received > bytes.length, `${received}`);
  assert.equal(await descriptors(site), 0);
});
