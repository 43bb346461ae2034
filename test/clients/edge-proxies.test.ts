import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { deployFolder } from "../deploy/manifests.ts";
import { freePort } from "../support/server.ts";

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
}

/** A server that tells what came to it, by its name. */
async function startUpstream(t: TestContext, name: string): Promise<number> {
  const server = createServer(async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    const { url = "", headers } = request;
    response.end(JSON.stringify({ name, url, headers, bytes }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-proxy-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs until the end of the test; resolves when it answers. */
async function startProxy(
  t: TestContext,
  command: readonly [string, ...string[]],
  { url, env = {} }: { readonly url: string; readonly env?: Readonly<Record<string, string>> },
): Promise<void> {
  const [program, ...words] = command;
  const child = spawn(program, words, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: `${process.env.PATH}:/usr/sbin`, ...env },
  });
  let told = "";
  child.stderr.on("data", (chunk) => {
    told += chunk;
  });
  t.after(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  const limit = Date.now() + 30_000;
  while (!(await fetch(url).catch(() => undefined))) {
    assert.ok(child.exitCode === null && Date.now() < limit, told);
    await sleep(50);
  }
}

const seenBy = async (url: string, init: RequestInit = {}): Promise<Seen & { name: string }> =>
  (await fetch(url, init)).json() as Promise<Seen & { name: string }>;

test("the proxy of a private network vouches for it with the secret", async (t) => {
  const folder = await temporary(t);
  const upstream = await startUpstream(t, "service");
  const port = await freePort();
  const secret =
    'a secret/with "marks" & more, which is longer than one line of Base64 would be at all';
  const env = {
    UPSTREAM_URL: `http://127.0.0.1:${upstream}`,
    VPN_SECRET: secret,
    PROXY_PORT: String(port),
    PROXY_FOLDER: folder,
  };
  const url = `http://127.0.0.1:${port}`;
  await startProxy(t, ["sh", join(deployFolder, "vpn/start.sh")], { url: `${url}/healthz`, env });

  const health = await fetch(`${url}/healthz`);
  assert.deepEqual([health.status, await health.text()], [200, "ok"]);
  const body = Buffer.alloc(3 << 20);
  const { headers, ...seen } = await seenBy(`${url}/api/pulp/a%2Fb?x=1`, {
    ...{ method: "POST", body },
    headers: { host: "other.example", "x-pulp-vpn-access": "forged", "x-forwarded-proto": "http" },
  });
  assert.deepEqual(seen, { name: "service", url: "/api/pulp/a%2Fb?x=1", bytes: body.length });
  assert.equal(headers.host, `127.0.0.1:${upstream}`);
  assert.equal(headers["x-forwarded-proto"], "https");
  assert.equal(headers["x-pulp-vpn-access"], Buffer.from(secret).toString("base64"));
  const conf = await readFile(join(folder, "nginx.conf"), "utf8");
  assert.deepEqual(conf.match(/@\w+@/g), null);
  for (const time of ["connect_timeout 10s", "send_timeout 120s", "read_timeout 120s"]) {
    assert.ok(conf.includes(`proxy_${time};`), time);
  }
});

test("the proxy of Compose leads to both servers, and nobody says who he is by a header", async (t) => {
  const folder = await temporary(t);
  const [api, content] = [await startUpstream(t, "api"), await startUpstream(t, "content")];
  const port = await freePort();
  const conf = (await readFile(join(deployFolder, "compose/nginx.conf"), "utf8"))
    .replace("server api:8000", `server 127.0.0.1:${api}`)
    .replace("server content:8000", `server 127.0.0.1:${content}`)
    .replace("listen 8080", `listen 127.0.0.1:${port}`)
    .replace("worker_processes auto", `pid ${folder}/pid;\nworker_processes 1`)
    .replace(
      "http {",
      `http {\n  client_body_temp_path ${folder}/body;\n  proxy_temp_path ${folder}/proxy;`,
    );
  await writeFile(join(folder, "nginx.conf"), conf);
  const url = `http://127.0.0.1:${port}`;
  const words = ["-e", "stderr", "-c", join(folder, "nginx.conf"), "-g", "daemon off;"] as const;
  await startProxy(t, ["nginx", ...words], { url });

  const headers = {
    "x-rh-identity": "forged",
    "x-rh-edge-host": "forged",
    "true-client-ip": "1.2.3.4",
    "x-forwarded-proto": "https",
  };
  const wheel = await seenBy(`${url}/api/pulp-content/default/x/a.whl`, { headers });
  assert.deepEqual([wheel.name, wheel.url], ["content", "/api/pulp-content/default/x/a.whl"]);
  for (const path of ["/api/pulp/api/v3/status/", "/v2/", "/api/pypi/x/y/simple/"]) {
    assert.equal((await seenBy(url + path)).name, "api");
  }
  for (const name of ["x-rh-identity", "x-rh-edge-host", "true-client-ip"]) {
    assert.equal(wheel.headers[name], undefined, name);
  }
  assert.equal(wheel.headers["x-forwarded-proto"], "http");
  assert.equal(wheel.headers["x-forwarded-host"], `127.0.0.1:${port}`);
});
