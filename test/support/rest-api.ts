import type { TestContext } from "node:test";
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";
import { compose } from "#app/composition.ts";
import { guardOf } from "#app/guard-of.ts";
import { authenticationOf, requestHooks, sitesOf } from "#app/hooks.ts";
import { openMeters } from "#app/meters.ts";
import { ensureLockedRoles } from "#core/access/commands.ts";
import { hashPassword } from "#core/access/passwords.ts";
import type { DomainRef } from "#core/ctx.ts";
import { ensurePolicies } from "#core/policies/commands.ts";
import { file } from "#plugins/file/plugin.ts";
import type { AuthenticationClass } from "#rest/auth/authentication.ts";
import { loginRoutes } from "#rest/auth/login-routes.ts";
import type { ApiIndex } from "#rest/kit/api-index.ts";
import type { GeneralTasks } from "#rest/kit/general-tasks.ts";
import { descriptionRoutes } from "#rest/kit/openapi/routes.ts";
import { routesOf } from "#rest/kit/routes.ts";
import { createApi } from "#rest/kit/server.ts";
import { pageRoutes } from "#rest/pages/page-routes.ts";
import type { Meter, Plugin } from "#sdk";
import { type ContextOptions, createContext, type TestContextValue } from "./context.ts";

export const ROOT = "/pulp/api/v3/";
export const ADMIN_PASSWORD = "admin of the tests";

export interface TestAnswer {
  readonly status: number;
  readonly headers: LightMyRequestResponse["headers"];
  /** Parsed JSON; undefined if the body is empty. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
  readonly body: any;
  readonly text: string;
}

export interface TestApi extends TestContextValue {
  readonly app: FastifyInstance;
  readonly api: ApiIndex;
  readonly generalTasks: GeneralTasks;
  /** What the plugins count, if one does; closing it writes what it has so far. */
  readonly meters?: Meter;
  /** Statements sent since the start; tests compare lengths. */
  readonly statements: readonly string[];
  /** A request as the administrator, to a path below the API root, or to any path with a slash in front. */
  request(method: string, path: string, options?: RequestOptions): Promise<TestAnswer>;
  get(path: string, options?: RequestOptions): Promise<TestAnswer>;
  post(path: string, json: unknown): Promise<TestAnswer>;
  /** Statements that requests send, without what their process does by itself meanwhile. */
  statementsOf(work: () => Promise<unknown>): Promise<readonly string[]>;
}

/** The look for changed policies, and notifications that are sent together a moment later. */
const IN_THE_BACKGROUND = /access_policy where|^select pg_notify\(c, p\)/;

export interface RequestOptions {
  readonly json?: unknown;
  readonly payload?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** `name:password`; null sends none. */
  readonly user?: string | null;
  readonly remoteAddress?: string;
}

/** The whole REST API over a fresh database, without a socket: `admin` may do everything. */
export async function createTestApi(
  t: TestContext,
  options: ContextOptions & {
    readonly shipped?: readonly Plugin[];
    readonly authentication?: readonly AuthenticationClass[];
  } = {},
): Promise<TestApi> {
  const composition = compose([file, ...(options.shipped ?? [])]);
  const { api, generalTasks } = composition;
  const statements: string[] = [];
  const context = await createContext(t, {
    ...options,
    plugins: [...composition.plugins, ...(options.plugins ?? [])],
    onStatement: (text) => {
      statements.push(text);
      options.onStatement?.(text);
    },
  });
  if (!options.beside) await seedAccess(context);
  const meters = openMeters(context.ctx, composition.shipped);
  const { authentication = authenticationOf(composition.shipped) } = options;
  const app = createApi(context.ctx, {
    api,
    routes: [
      ...routesOf(api, generalTasks),
      ...descriptionRoutes(authentication),
      ...loginRoutes(),
      ...pageRoutes(sitesOf(composition.shipped), context.ctx.settings, generalTasks),
    ],
    findDomain: domainFinder(context),
    refuseDownload: guardOf(context.ctx, composition.shipped),
    ...requestHooks(context.ctx, composition.shipped, meters),
    authentication,
  });
  await app.ready();
  t.after(() => app.close());
  const request = requester(app);
  return {
    ...context,
    app,
    api,
    generalTasks,
    ...(meters ? { meters } : {}),
    statements,
    request,
    get: (path, more) => request("GET", path, more),
    post: (path, json) => request("POST", path, { json }),
    async statementsOf(work) {
      const before = statements.length;
      await work();
      return statements.slice(before).filter((text) => !IN_THE_BACKGROUND.test(text));
    },
  };
}

/** A cheap hash: logging in is not what most tests are about. */
async function seedAccess({ ctx }: TestContextValue): Promise<void> {
  const password = await hashPassword(ADMIN_PASSWORD, { iterations: 1 });
  await ctx.db.updateTable("app_user").set({ password }).where("username", "=", "admin").execute();
  await ensureLockedRoles(ctx);
  await ensurePolicies(ctx);
}

/** Domains by name; the default one costs no statement. */
function domainFinder({ ctx, domain }: TestContextValue) {
  return async (name: string): Promise<DomainRef | undefined> =>
    name === domain.name
      ? domain
      : ctx.db
          .selectFrom("domain")
          .select(["num", "id", "name"])
          .where("name", "=", name)
          .executeTakeFirst();
}

function requester(app: FastifyInstance): TestApi["request"] {
  return async (method, path, options = {}) => {
    const { json, payload, headers = {}, user = `admin:${ADMIN_PASSWORD}` } = options;
    const request: InjectOptions = {
      method: method as "GET",
      url: path.startsWith("/") || path.startsWith("http") ? path : `${ROOT}${path}`,
      headers: {
        host: "deckle.example",
        ...(user === null
          ? {}
          : { authorization: `Basic ${Buffer.from(user).toString("base64")}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(options.remoteAddress ? { remoteAddress: options.remoteAddress } : {}),
      ...(json === undefined
        ? payload === undefined
          ? {}
          : { payload }
        : { payload: JSON.stringify(json) }),
    };
    const response = await app.inject(request);
    const { statusCode, payload: text } = response;
    return { status: statusCode, headers: response.headers, text, body: parsed(text) };
  };
}

function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const BOUNDARY = "deckle-test-boundary";

export interface FormFile {
  readonly name: string;
  readonly bytes: Buffer | string;
  readonly filename?: string;
}

/** A multipart body: texts by field, and files. */
export function formOf(
  fields: Readonly<Record<string, string>>,
  files: readonly FormFile[] = [],
): RequestOptions {
  const texts = Object.entries(fields).map(
    ([name, value]) =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const parts = files.map(({ name, bytes, filename = "file.bin" }) =>
    Buffer.concat([
      Buffer.from(
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\n` +
          "Content-Type: application/octet-stream\r\n\r\n",
      ),
      Buffer.from(bytes),
      Buffer.from("\r\n"),
    ]),
  );
  return {
    payload: Buffer.concat([
      ...texts.map((text) => Buffer.from(text)),
      ...parts,
      Buffer.from(`--${BOUNDARY}--\r\n`),
    ]),
    headers: { "content-type": `multipart/form-data; boundary=${BOUNDARY}` },
  };
}
