import { spawn } from "node:child_process";
import { randomUUID, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { SignJWT } from "jose";
import { createIdentity } from "../../support/certificates.ts";
import { freePort } from "../../support/server.ts";

const PROGRAM = "/usr/bin/docker-registry";
const START_MS = 30_000;
const CREDENTIALS = { username: "robot", password: "a secret of tests" };

/** A real registry behind a door that gives out tokens and sends readers of blobs elsewhere. */
export interface TokenRegistry extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** `http://127.0.0.1:port`: where blobs are read, without tokens. */
  readonly cdn: string;
  /** Scopes of the tokens that were asked for. */
  readonly scopes: string[];
  /** Sends readers of blobs to `cdn`. */
  redirects: boolean;
  /** Answers in place of the registry, once for each. */
  readonly faults: ((request: IncomingMessage, response: ServerResponse) => boolean)[];
  /** Options of a store (service §16) in a new repository. */
  repository(): Record<string, string>;
  /** A request of the owner's. */
  ask(path: string, method?: string, headers?: Record<string, string>): Promise<Response>;
}

export async function startTokenRegistry(lifetimeSeconds = 300): Promise<TokenRegistry> {
  if (!existsSync(PROGRAM))
    throw new Error("docker-registry is not installed; run tools/install-clients.sh");
  await using stack = new AsyncDisposableStack();
  const signer = createIdentity("tests");
  const inside = `127.0.0.1:${await freePort()}`;
  const state = { redirects: false, scopes: [] as string[], faults: [] as TokenRegistry["faults"] };
  const door = await listen(stack, (incoming, response) => enter(incoming, response));
  const cdn = await listen(stack, (incoming, response) => fetchBlob(incoming, response));
  const host = new URL(door).host;
  const token = (scope: string) => signed(signer, { service: host, scope, lifetimeSeconds });

  async function enter(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", door);
    if (url.pathname === "/v2/auth") return giveToken(url, incoming, response);
    const fault = state.faults[0];
    if (fault?.(incoming, response)) return void state.faults.shift();
    const blob = /^\/v2\/.+\/blobs\/sha256:[0-9a-f]{64}$/.test(url.pathname);
    const mayRead = incoming.headers.authorization?.startsWith("Bearer ");
    if (blob && mayRead && state.redirects && incoming.method === "GET") {
      response.writeHead(307, { location: `${cdn}${url.pathname}?signature=${randomUUID()}` });
      return void response.end();
    }
    await forward(inside, incoming, response);
  }

  async function giveToken(url: URL, incoming: IncomingMessage, response: ServerResponse) {
    const { username, password } = CREDENTIALS;
    const basic = Buffer.from(`${username}:${password}`).toString("base64");
    const isRight = incoming.headers.authorization === `Basic ${basic}`;
    const scope = url.searchParams.get("scope") ?? "";
    if (!isRight || url.searchParams.get("service") !== host)
      return void response.writeHead(401).end();
    state.scopes.push(scope);
    const answer = { token: await token(scope), expires_in: lifetimeSeconds };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  /** As stores of objects do, it takes no second way to prove a right. */
  async function fetchBlob(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(incoming.url ?? "/", cdn);
    if (incoming.headers.authorization !== undefined || !searchParams.has("signature"))
      return void response.writeHead(400).end();
    const [, name = ""] = /^\/v2\/(.+)\/blobs\//.exec(pathname) ?? [];
    incoming.headers.authorization = `Bearer ${await token(`repository:${name}:pull`)}`;
    await forward(inside, incoming, response);
  }

  await runRegistry(stack, { addr: inside, realm: `${door}/v2/auth`, cert: signer.cert });
  const owned = stack.move();
  let repositories = 0;
  return Object.assign(state, {
    host,
    cdn,
    repository() {
      repositories += 1;
      return { ...CREDENTIALS, registry: host, repository: `team/store-${repositories}` };
    },
    async ask(path: string, method = "GET", headers = {}) {
      const [, name = ""] = /^(.+?)\/(?:blobs|manifests|tags)\//.exec(path) ?? [];
      const authorization = `Bearer ${await token(`repository:${name}:pull,push,delete`)}`;
      return fetch(`http://${inside}/v2/${path}`, {
        method,
        headers: { authorization, ...headers },
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  });
}

interface Inside {
  /** `127.0.0.1:port` */
  readonly addr: string;
  /** Where tokens are given out. */
  readonly realm: string;
  /** Of the one who signs them. */
  readonly cert: string;
}

async function runRegistry(stack: AsyncDisposableStack, { addr, realm, cert }: Inside) {
  const folder = await mkdtemp(join(tmpdir(), "deckle-token-registry-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const rootcertbundle = join(folder, "roots.pem");
  await writeFile(rootcertbundle, cert);
  const service = new URL(realm).host;
  const config = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
    http: { addr, relativeurls: true },
    auth: { token: { realm, service, issuer: "tests", rootcertbundle } },
  };
  await writeFile(join(folder, "config.yml"), JSON.stringify(config));
  const child = spawn(PROGRAM, ["serve", join(folder, "config.yml")], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  stack.defer(async () => {
    child.kill();
    await ended;
  });
  const limit = Date.now() + START_MS;
  while (!(await fetch(`http://${addr}/v2/`).catch(() => undefined))) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error("It does not start.");
    await sleep(100);
  }
}

type Listener = (incoming: IncomingMessage, response: ServerResponse) => Promise<void>;

async function listen(stack: AsyncDisposableStack, listener: Listener): Promise<string> {
  const server = createServer((incoming, response) => {
    listener(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stack.defer(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function forward(host: string, incoming: IncomingMessage, response: ServerResponse) {
  const { method, url: path, headers } = incoming;
  const [hostname, port] = host.split(":");
  const outgoing = request({ hostname, port, method, path, headers: { ...headers, host } });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", reject);
  });
  incoming.pipe(outgoing);
  const answer = await answered;
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  await pipeline(answer, response);
}

interface TokenWish {
  readonly service: string;
  /** `repository:name:actions` */
  readonly scope: string;
  readonly lifetimeSeconds: number;
}

function signed(
  signer: ReturnType<typeof createIdentity>,
  { service, scope, lifetimeSeconds }: TokenWish,
): Promise<string> {
  const [type = "", name = "", actions = ""] = scope.split(":");
  const x5c = [new X509Certificate(signer.cert).raw.toString("base64")];
  return new SignJWT({ access: [{ type, name, actions: actions.split(",") }] })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", x5c })
    .setIssuer("tests")
    .setAudience(service)
    .setIssuedAt()
    .setNotBefore(Math.floor(Date.now() / 1000) - 60)
    .setExpirationTime(`${lifetimeSeconds}s`)
    .setJti(randomUUID())
    .sign(signer.privateKey);
}
