import type { Server } from "./server.ts";

// biome-ignore lint/suspicious/noExplicitAny: an answer of the API, looked into by its test.
export type Answer = any;

/** A plain client of the REST API, for what the test arranges and asserts around other clients. */
export interface Api {
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  patch(path: string, body?: unknown): Promise<Answer>;
  /** Any request; fails on nothing. Paths are rooted (`/pulp/…`) or below `/pulp/api/v3/`. */
  request(method: string, path: string, init?: RequestInit): Promise<Response>;
  /** Waits until the task that an answer names is final. */
  task(answer: Answer, timeoutMs?: number): Promise<Answer>;
  /** Like `task`, and throws unless it completed. */
  done(answer: Answer, timeoutMs?: number): Promise<Answer>;
}

export class ApiError extends Error {
  readonly status: number;
  readonly body: string;
  constructor(method: string, path: string, response: { status: number; body: string }) {
    super(`${method} ${path} answered ${response.status}: ${response.body.slice(0, 500)}`);
    this.status = response.status;
    this.body = response.body;
  }
}

type Target = Pick<Server, "apiUrl" | "username" | "password">;
const FINAL = new Set(["completed", "failed", "canceled", "skipped"]);

/** @param root path below which relative ones lie, of a server with domains that of one of them. */
export function createApi({ apiUrl, username, password }: Target, root = "/pulp/api/v3/"): Api {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const request: Api["request"] = (method, path, init = {}) => {
    const url = path.startsWith("/") ? `${apiUrl}${path}` : `${apiUrl}${root}${path}`;
    return fetch(url, {
      redirect: "manual",
      ...init,
      method,
      headers: { authorization, ...Object.fromEntries(new Headers(init.headers)) },
    });
  };
  const json = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const init = body instanceof FormData ? { body } : jsonBody(body);
    const response = await request(method, path, init);
    const text = await response.text();
    if (!response.ok) throw new ApiError(method, path, { status: response.status, body: text });
    return text === "" ? undefined : JSON.parse(text);
  };
  const task: Api["task"] = async (answer, timeoutMs = 120_000) => {
    const deadline = Date.now() + timeoutMs;
    for (let waitMs = 5; ; waitMs = Math.min(waitMs * 1.5, 200)) {
      const state = await json("GET", answer.task);
      if (FINAL.has(state.state)) return state;
      if (Date.now() > deadline) throw new Error(`task is still ${state.state}: ${answer.task}`);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  };
  return {
    get: (path) => json("GET", path),
    post: (path, body) => json("POST", path, body ?? {}),
    patch: (path, body) => json("PATCH", path, body ?? {}),
    request,
    task,
    async done(answer, timeoutMs) {
      const final = await task(answer, timeoutMs);
      if (final.state === "completed") return final;
      throw new Error(`task ${final.name} ${final.state}: ${JSON.stringify(final.error)}`);
    },
  };
}

const jsonBody = (body: unknown): RequestInit =>
  body === undefined
    ? {}
    : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
