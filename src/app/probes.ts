import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { ContentRoute } from "#delivery/contract.ts";
import { parseBind } from "./bind.ts";
import { closeServer, listen } from "./service.ts";

/** Whether a process can do its work now; resolves within seconds. */
export type Readiness = () => Promise<boolean>;

const LIVE = "/livez";
const READY = "/readyz";
/** Probes are short. */
const GRACE_MS = 1000;

/** Answers of `livez` and `readyz` have no body: 200, or 503 while the process is not ready. */
async function answer(
  { method = "" }: IncomingMessage,
  response: ServerResponse,
  isGood: Readiness,
): Promise<void> {
  if (!["GET", "HEAD"].includes(method)) {
    response.writeHead(405, { allow: "GET, HEAD", "content-length": 0 }).end();
    return;
  }
  response.writeHead((await isGood()) ? 200 : 503, { "content-length": 0 }).end();
}

const isAlive: Readiness = async () => true;

/**
 * The probes of a content app, beside its prefix; where the prefix is the root, paths with a slash at
 * the end are those of distributions.
 */
export function probeRoutes(prefix: string, isReady: Readiness): readonly ContentRoute[] {
  const route = (path: string, isGood: Readiness): ContentRoute => ({
    path,
    async handle(_ctx, request, response) {
      const isFound = [path, path.slice(0, -1)].includes(request.url?.split("?", 1)[0] ?? "");
      if (isFound || !path.endsWith("/")) await answer(request, response, isGood);
      else response.writeHead(404, { "content-length": 0 }).end();
    },
  });
  const plain = [route(LIVE, isAlive), route(READY, isReady)];
  if (prefix === "/") return plain;
  return [...plain, route(`${LIVE}/`, isAlive), route(`${READY}/`, isReady)];
}

/**
 * Serves the probes of a process that listens nowhere else, as the API does at `livez/` and `readyz/`.
 *
 * @param bind `host:port`, `port` or `unix:/path`; nothing is served without it.
 * @throws `appErrors.bind`, `appErrors.listen`
 */
export async function serveProbes(bind: string, isReady: Readiness): Promise<AsyncDisposable> {
  if (bind === "") return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const server = createServer(async (request, response) => {
    const path = request.url?.split("?", 1)[0]?.replace(/\/$/, "");
    if (path === LIVE) return answer(request, response, isAlive);
    if (path === READY) return answer(request, response, isReady);
    return response.writeHead(404, { "content-length": 0 }).end();
  });
  await listen(server, parseBind(bind));
  return { [Symbol.asyncDispose]: () => closeServer(server, GRACE_MS) };
}
