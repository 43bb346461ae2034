import { mounted } from "../registry/address.ts";
import { sendJson, sendProblem } from "../registry/answers.ts";
import { registryErrors } from "../registry/errors.ts";
import { registrySettingsOf } from "../registry/settings.ts";
import type { Door } from "../registry/visit.ts";
import { BASIC_CHALLENGE } from "./challenge.ts";
import { jwks } from "./keys.ts";
import { registryAuth } from "./registry-auth.ts";
import { answerGet, answerPost, type Served, TokenError } from "./token-requests.ts";

const PATH = "token/";
const KEYS = `${PATH}jwks.json`;
/** Tokens and their refusals are nobody else's. */
const UNCACHED = { "Cache-Control": "no-store" };

/** The token server (plugin-container §7.3.1), and the keys that others check its tokens with. */
export const tokenDoor: Door = {
  open(tools) {
    const auth = registryAuth(tools);
    const prefixes = mounted(registrySettingsOf(tools.ctx).REGISTRY_MOUNT_PREFIXES, "");
    return {
      paths: prefixes.flatMap((prefix) => [`${prefix}${PATH}`, `${prefix}token`]),
      async handle(exchange) {
        const method = exchange.request.method ?? "";
        const prefix = prefixes.find((one) => isBelow(exchange.rawPath, one)) ?? "/";
        const visit = { exchange, method, prefix };
        const { keys } = auth;
        if (keys) await answered({ auth, keys, visit }, exchange.rawPath.slice(prefix.length));
        else sendProblem(visit, registryErrors.route());
      },
      fail: (exchange, status) => sendProblem({ exchange }, registryErrors.failed(status)),
      close: async () => undefined,
    };
  },
};

const isBelow = (path: string, prefix: string): boolean =>
  path.startsWith(`${prefix}${PATH}`) || path === `${prefix}token`;

async function answered(served: Served, path: string): Promise<void> {
  try {
    await answer(served, path);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { status, body, seconds } = error;
    const headers = {
      ...UNCACHED,
      ...(status === 401 ? { "WWW-Authenticate": BASIC_CHALLENGE } : {}),
      ...(seconds === undefined ? {} : { "Retry-After": String(seconds) }),
    };
    // What is left of a body that was refused unread.
    if (!served.visit.exchange.request.complete)
      served.visit.exchange.response.shouldKeepAlive = false;
    sendJson(served.visit, body, headers, status);
  }
}

async function answer(served: Served, path: string): Promise<void> {
  const { visit, keys } = served;
  const isRead = visit.method === "GET" || visit.method === "HEAD";
  if (path === KEYS && isRead) {
    sendJson(visit, await jwks(keys), { "Cache-Control": "public, max-age=300" });
  } else if (path !== PATH && path !== "token") {
    sendProblem(visit, registryErrors.route());
  } else if (visit.method === "GET") {
    sendJson(visit, await answerGet(served), UNCACHED);
  } else if (visit.method === "POST") {
    sendJson(visit, await answerPost(served), UNCACHED);
  } else {
    sendProblem(visit, registryErrors.method(["GET", "POST"]));
  }
}
