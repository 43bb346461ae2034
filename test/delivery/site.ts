import { readdir } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ContentType, CorePlugin, RepositoryType } from "#core/plugin-contract.ts";
import {
  type ContentServer,
  type ContentServerOptions,
  createContentServer,
} from "#delivery/server.ts";
import { type ContextOptions, createContext, type TestContextValue } from "../support/context.ts";
import { SiteRows } from "./rows.ts";

/** `doc.doc` serves publications and finds files by slot; `pkg.pkg` serves versions, by path. */
const contentType = (type: string, slotIsPath: boolean): ContentType => ({
  ...{ family: "content", type, model: `${type}.Content`, path: `content/${type}` },
  ...{ table: "none", slotIsPath, reclaimable: true },
  naturalKey: () => [],
});
const repositoryType = (type: string, servesPublications: boolean): RepositoryType => ({
  ...{ family: "repository", type, model: `${type}.Repository`, path: `repositories/${type}` },
  ...{ contentTypes: [type], servesPublications },
});

const plugin: CorePlugin = {
  ...{ label: "doc", version: "1.0.0", package: "deckle-doc", module: "deckle_doc" },
  migrations: new URL("../support/no-migrations/", import.meta.url),
  entities: [],
  contentTypes: [contentType("doc.doc", true), contentType("pkg.pkg", false)],
  repositoryTypes: [repositoryType("doc.doc", true), repositoryType("pkg.pkg", false)],
  access: { policies: [], models: [], adminOnly: [] },
  tasks: [],
};

export interface SiteOptions extends Partial<ContentServerOptions> {
  readonly settings?: ContextOptions["settings"];
  /** Besides that of the rows. */
  readonly plugins?: readonly CorePlugin[];
  /** A second server on the same database and store. */
  readonly beside?: TestContextValue;
}

export interface Answered {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The connection ended before the body did. */
  readonly isBroken: boolean;
}

/** A content server over a database and store of its own, and rows put there directly. */
export async function createSite(t: TestContext, options: SiteOptions = {}) {
  const statements: string[] = [];
  const closing: { server?: ContentServer } = {};
  // Hooks run in the order of their registration: the server ends before its database.
  t.after(() => closing.server?.close(AbortSignal.timeout(2000)));
  const context = await createContext(t, {
    plugins: [plugin, ...(options.plugins ?? [])],
    kind: "content",
    onStatement: (text) => statements.push(text),
    ...(options.settings ? { settings: options.settings } : {}),
    ...(options.beside ? { beside: options.beside } : {}),
  });
  const server = createContentServer(context.ctx, {
    ...options,
    handlers: options.handlers ?? [],
  });
  closing.server = server;
  const { port } = (await server.listen({ port: 0, host: "127.0.0.1" })) as AddressInfo;
  return {
    ...context,
    rows: new SiteRows(context.ctx, context.domain),
    server,
    port,
    statements,
    get: (path: string, headers: Record<string, string> = {}) => fetchRaw(port, { path, headers }),
    head: (path: string, headers: Record<string, string> = {}) =>
      fetchRaw(port, { path, headers, method: "HEAD" }),
    fetch: (request: RawRequest) => fetchRaw(port, request),
    /** Files that are being written. */
    incoming: async () => {
      const folder = join(context.mediaRoot, "tmp/incoming", context.ctx.process.id);
      return readdir(folder).catch(() => []);
    },
    /** Statements that a request needs, besides those that begin and end transactions. */
    async counted(path: string, headers: Record<string, string> = {}) {
      statements.length = 0;
      const answered = await fetchRaw(port, { path, headers });
      const count = statements.filter((text) => !/^(begin|commit|rollback)/i.test(text)).length;
      return { ...answered, statements: count };
    },
  };
}

export type Site = Awaited<ReturnType<typeof createSite>>;

export interface RawRequest {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

export function fetchRaw(port: number, options: RawRequest): Promise<Answered> {
  const { path, method = "GET", headers = {} } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: "127.0.0.1", path, method, headers, agent: false });
    request.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET") reject(error);
      resolve({ status: 0, reason: "", headers: {}, body: Buffer.alloc(0), isBroken: true });
    });
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", () => undefined);
      response.on("close", () =>
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? "",
          headers: response.headers,
          body: Buffer.concat(chunks),
          isBroken: !response.complete,
        }),
      );
    });
    request.end();
  });
}
