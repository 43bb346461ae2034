import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/support/server.ts";
import { run } from "../load.ts";
import { pythonEnvironment, type Rival, startRival } from "./process.ts";

/** What installers say besides the form that they want. */
export const INSTALLER = { "accept-encoding": "gzip, deflate" } as const;

/** The folder as an index that takes uploads of anybody, with its cache of digests. */
export async function startPypiserver(folder: string): Promise<Rival> {
  const packages = ["pypiserver[cache,passlib]==2.4.2", "gunicorn==27.0.1"];
  const programs = await pythonEnvironment("pypiserver", packages);
  const port = await freePort();
  return startRival(
    [
      ...([join(programs, "pypi-server"), "run", "--port", String(port)] as const),
      ...["--interface", "127.0.0.1", "--backend", "cached-dir", "--server", "gunicorn"],
      ...["--disable-fallback", "-a", ".", "-P", ".", folder],
    ],
    { url: `http://127.0.0.1:${port}` },
  );
}

/** A cache of another index, whose pages it keeps for as long as a measurement takes. */
export async function startProxpi(index: string): Promise<Rival> {
  const programs = await pythonEnvironment("proxpi", ["proxpi==1.3.1", "gunicorn==27.0.1"]);
  const port = await freePort();
  const bind = ["--bind", `127.0.0.1:${port}`, "--threads", "2"];
  return startRival([join(programs, "gunicorn"), ...bind, "proxpi.server:app"], {
    url: `http://127.0.0.1:${port}`,
    env: { PROXPI_INDEX_URL: index, PROXPI_INDEX_TTL: "86400" },
  });
}

/** devpi with one index for uploads. */
export interface Devpi extends Rival {
  /** Address of the index, with a slash at its end. */
  readonly index: string;
  /** `Authorization` of whoever may upload. */
  readonly authorization: string;
}

const PASSWORD = "devpi of the bench";

export async function startDevpi(): Promise<Devpi> {
  const programs = await pythonEnvironment("devpi", ["devpi-server==6.20.3"]);
  const folder = await mkdtemp(join(tmpdir(), "deckle-devpi-"));
  const where = ["--serverdir", folder];
  await run(join(programs, "devpi-init"), [...where, "--root-passwd", PASSWORD, "--no-root-pypi"]);
  const port = await freePort();
  const server = await startRival(
    [join(programs, "devpi-server"), ...where, "--port", String(port)],
    { url: `http://127.0.0.1:${port}` },
  );
  await makeIndex(server.url);
  return {
    ...server,
    index: `${server.url}/${USER}/bench/`,
    authorization: `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The user that every devpi has. */
const USER = "root";

async function makeIndex(url: string): Promise<void> {
  const json = async (path: string, init: RequestInit) => {
    const headers = { "content-type": "application/json", accept: "application/json" };
    const answer = await fetch(url + path, {
      ...init,
      headers: { ...headers, ...(init.headers as Record<string, string>) },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`devpi answers ${answer.status} to ${path}: ${text}`);
    return JSON.parse(text);
  };
  const login = { method: "POST", body: JSON.stringify({ user: USER, password: PASSWORD }) };
  const { result } = await json("/+login", login);
  const token = Buffer.from(`${USER}:${result.password}`).toString("base64");
  await json(`/${USER}/bench`, {
    method: "PUT",
    body: JSON.stringify({ type: "stage", bases: [], volatile: true }),
    headers: { "x-devpi-auth": token },
  });
}
