import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import pg from "pg";
import { recordOutcome } from "#core/tasks/outcome.ts";
import { claimTask } from "#core/tasks/queue.ts";
import { runTask } from "#core/tasks/run.ts";
import { createSecrets, generateFernetKey, parseFernetKey } from "#platform/crypto/fernet.ts";
import { fullPath } from "#rest/kit/api-index.ts";
import type { Body, Field, Fields, Resource } from "#rest/kit/resource.ts";
import { registerWorker } from "../core/tasks/support.ts";
import { createTestApi, formOf, type TestAnswer, type TestApi } from "../support/rest-api.ts";
import { type Answer, createUpstream, type Upstream } from "../support/upstream.ts";

/** Part of every secret that this file sends. */
const MARK = "c4n4ryOfTheTests";

/** Texts that are written and never shown, and yet are no secret. */
const HARMLESS: ReadonlySet<string> = new Set(["sha256"]);

/** Values that go with a secret, where it is not accepted alone. */
const COMPANIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  proxy_username: { proxy_url: "http://127.0.0.1:9" },
};

class Canaries {
  #count = 0;
  next(what: string): string {
    this.#count += 1;
    return `${MARK}-${what}-${this.#count}`;
  }
}

/** Whether a field is a secret as far as its declaration can say: written, and never shown. */
const isSecret = (name: string, { writeOnly, schema, relation }: Field): boolean =>
  writeOnly === true &&
  relation === undefined &&
  (schema.type === "object" || (schema.type === "string" && schema.format === undefined)) &&
  !HARMLESS.has(name);

const secretNames = (fields: Fields): readonly string[] =>
  Object.entries(fields).flatMap(([name, field]) => (isSecret(name, field) ? [name] : []));

const bodyOf = (resource: Resource): Pick<Body, "fields" | "hasFile"> =>
  resource.createBody ?? { fields: resource.fields };

interface World {
  readonly api: TestApi;
  readonly upstream: Upstream;
  readonly canaries: Canaries;
  /** Everything that the API ever answered. */
  readonly answers: string[];
  send(method: string, path: string, values?: object, hasFile?: boolean): Promise<TestAnswer>;
}

async function createWorld(t: TestContext): Promise<World> {
  const key = parseFernetKey(generateFernetKey());
  assert.ok(key);
  const api = await createTestApi(t, {
    secrets: createSecrets([key]),
    settings: { LOG_LEVEL: "DEBUG" },
  });
  const answers: string[] = [];
  return {
    api,
    upstream: await createUpstream(t),
    canaries: new Canaries(),
    answers,
    async send(method, path, values, hasFile = false) {
      const form = () =>
        formOf(
          Object.fromEntries(
            Object.entries(values ?? {}).map(([name, value]) => [
              name,
              typeof value === "string" ? value : JSON.stringify(value),
            ]),
          ),
        );
      const answer = await api.request(method, path, hasFile ? form() : { json: values });
      answers.push(`${method} ${path}: ${answer.text} ${JSON.stringify(answer.headers)}`);
      return answer;
    },
  };
}

/** A value for a field that must be given. */
function filler({ upstream, canaries }: World, name: string, { schema, relation }: Field): unknown {
  assert.equal(relation, undefined, `this test has to learn what ${name} may refer to`);
  if (/url$/.test(name)) return `${upstream.url}/PULP_MANIFEST`;
  if (schema.enum) return schema.enum[0];
  if (schema.type === "boolean") return true;
  if (schema.type === "integer") return 1;
  return canaries.next(name).replace(MARK, "plain");
}

/** What has to be in a body besides its secrets. */
function required(world: World, fields: Fields): Record<string, unknown> {
  const entries = Object.entries(fields).filter(([, field]) => field.required && !field.writeOnly);
  return Object.fromEntries(entries.map(([name, field]) => [name, filler(world, name, field)]));
}

/** A canary for each secret of the fields, in the form that its name asks for. */
function secrets({ upstream, canaries }: World, fields: Fields): Record<string, unknown> {
  const entries = secretNames(fields).flatMap((name): [string, unknown][] => {
    const canary = () => canaries.next(name);
    if (name === "file_url") {
      return [[name, `${upstream.url.replace("://", `://${canary()}:${canary()}@`)}/unit`]];
    }
    if (name === "downloader_config") {
      return [[name, { username: canary(), password: canary(), client_key: canary() }]];
    }
    return [[name, canary()], ...Object.entries(COMPANIONS[name] ?? {})];
  });
  return Object.fromEntries(entries);
}

/** Makes, changes and misuses one resource; returns the href if there is an object at once. */
async function exercise(world: World, resource: Resource): Promise<string | undefined> {
  const { send } = world;
  const path = `${fullPath(resource)}/`;
  const { fields, hasFile } = bodyOf(resource);
  const whole = () => ({ ...required(world, fields), ...secrets(world, fields) });
  const made = await send("POST", path, whole(), hasFile);
  assert.ok(made.status < 300, `${path}: ${made.text}`);
  for (const name of secretNames(fields)) {
    const wrong = { ...whole(), [name]: [world.canaries.next(name)] };
    await send("POST", path, wrong, hasFile);
    await send("POST", path, { [name]: world.canaries.next(name) }, hasFile);
  }
  await send("POST", path, { ...whole(), pulp_labels: "{", policy: "odd" }, hasFile);
  const href: string | undefined = made.body?.pulp_href;
  if (href && resource.operations.update) {
    for (const name of secretNames(fields)) {
      const values = { [name]: world.canaries.next(name) };
      assert.ok((await send("PATCH", href, values)).status < 300, `${href} ${name}`);
    }
    const put = await send("PUT", href, whole());
    assert.ok(put.status < 300, put.text);
  }
  return href;
}

/** Does what workers do until nothing is left. */
async function runTasks({ api: { ctx } }: World): Promise<void> {
  const owner = await registerWorker(ctx);
  for (;;) {
    const task = await claimTask(ctx, owner);
    if (!task) return;
    const outcome = await runTask(ctx, task, new AbortController().signal);
    await recordOutcome(ctx, { seq: task.seq, owner }, outcome);
  }
}

/** The credentials of a request as an upstream sees them, as they came and opened. */
const credentials = (authorization: string | undefined): readonly string[] => {
  const [, token = ""] = /^Basic (\S+)$/.exec(authorization ?? "") ?? [];
  return [token, Buffer.from(token, "base64").toString()];
};

/** Upstreams that send the credentials back wherever a text can stand. */
const echoes: Readonly<Record<string, Answer>> = {
  "refuses with 401": ({ headers }, response) => {
    const [token = "", open = ""] = credentials(headers.authorization);
    response.writeHead(401, `No ${open}`, { "www-authenticate": `Basic realm="${token}"` });
    response.end(open);
  },
  "fails with 500": ({ headers }, response) => {
    response.writeHead(500, credentials(headers.authorization).join(" ")).end();
  },
  "redirects to an address that holds them": ({ headers }, response) => {
    const [token = "", open = ""] = credentials(headers.authorization);
    response
      .writeHead(302, { location: `gopher://${open}@up.test/${token}/${open}?${open}` })
      .end();
  },
  "lists them as files twice": ({ headers }, response) => {
    const [token = "", open = ""] = credentials(headers.authorization);
    const line = (path: string, digit: string) => `${path},${digit.repeat(64)},5\n`;
    response.end(line(open, "a") + line(open, "b") + line(token, "a") + line(token, "b"));
  },
  "lists them as a digest": ({ headers }, response) => {
    const [token = "", open = ""] = credentials(headers.authorization);
    response.end(`f,${open},5\ng,${token},x\n`);
  },
};

/** Syncs each kind of repository that can be synced from every remote of its component. */
async function sync(world: World, remotes: readonly string[]): Promise<number> {
  let count = 0;
  for (const resource of world.api.api.parts.resources) {
    if (!resource.actions?.some(({ name }) => name === "sync")) continue;
    if (resource.family !== "repository") continue;
    const made = await world.send("POST", `${fullPath(resource)}/`, { name: `r-${count}` });
    const own = remotes.filter((href) => href.includes(`/remotes/${resource.label}/`));
    for (const [name, answer] of Object.entries(echoes)) {
      world.upstream.otherwise(answer);
      for (const remote of own) {
        const { status, text } = await world.send("POST", `${made.body.pulp_href}sync/`, {
          remote,
        });
        assert.equal(status, 202, `${name}: ${text}`);
        await runTasks(world);
        count += 1;
      }
    }
  }
  return count;
}

/** Reads everything that the API shows. */
async function readAll({ api, send }: World): Promise<void> {
  for (const { parent, path, operations } of api.api.parts.resources) {
    if (parent || !operations.list) continue;
    const { body } = await send("GET", `${path}/?limit=1000`);
    if (!operations.read) continue;
    for (const { pulp_href } of body.results) await send("GET", pulp_href);
  }
  await send("GET", "audit/export/");
}

/** The mark in every form in which it could be hidden in a text. */
const forms: readonly string[] = [
  MARK,
  Buffer.from(MARK).toString("hex"),
  ...[0, 1, 2].map((shift) =>
    Buffer.from("x".repeat(shift) + MARK)
      .toString("base64")
      .slice(shift === 0 ? 0 : 4, -4),
  ),
];

const holds = (text: string): boolean => forms.some((form) => text.includes(form));

interface Cell {
  readonly column: string;
  readonly text: string;
}

/** Every value of every table, bytes as hex digits. */
async function cells(url: string): Promise<readonly Cell[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "select quote_ident(tablename) as name from pg_tables where schemaname = 'public'",
    );
    const found: Cell[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: Record<string, unknown> }>(
        `select to_jsonb(t) as row from ${name} t`,
      );
      for (const { row } of rows) {
        for (const [column, value] of Object.entries(row)) {
          if (value !== null)
            found.push({ column: `${name}.${column}`, text: JSON.stringify(value) });
        }
      }
    }
    return found;
  } finally {
    await client.end();
  }
}

const TOKEN = /gAAAA[\w-]{60,}/;

/** Sends a canary in every secret of every resource, and lets tasks use them. */
async function sendSecrets(world: World): Promise<ReadonlySet<string>> {
  const remotes: string[] = [];
  const tried = new Set<string>();
  for (const resource of world.api.api.parts.resources) {
    const names = secretNames(bodyOf(resource).fields);
    if (!resource.operations.create || names.length === 0) continue;
    const href = await exercise(world, resource);
    if (resource.family === "remote" && href) remotes.push(href);
    for (const name of names) tried.add(`${fullPath(resource)} ${name}`);
  }
  await runTasks(world);
  for (const href of remotes) {
    // From here on the upstream is asked itself; the proxy was there for its credentials.
    const direct = { proxy_url: null, proxy_username: null, proxy_password: null };
    await world.send("PATCH", href, { ...direct, client_key: null, max_retries: 0 });
  }
  await runTasks(world);
  assert.ok((await sync(world, remotes)) >= Object.keys(echoes).length);
  return tried;
}

/** Secrets of bodies that `sendSecrets` does not know of. */
const untried = ({ api }: World, tried: ReadonlySet<string>): readonly string[] =>
  api.api.parts.resources
    .flatMap((resource) =>
      [bodyOf(resource).fields, ...(resource.actions ?? []).map(({ body }) => body?.fields ?? {})]
        .flatMap(secretNames)
        .map((name) => ({ resource, name })),
    )
    // Lists over all types write nothing.
    .filter(({ resource: { operations, actions = [] } }) => operations.create || actions.length > 0)
    .map(({ resource, name }) => `${fullPath(resource)} ${name}`)
    .filter((name) => !tried.has(name));

test("no secret is found anywhere: not in the database, the log, an answer or a task", async (t) => {
  const world = await createWorld(t);
  const { api, upstream, answers } = world;
  upstream.otherwise(echoes["fails with 500"] as Answer);

  const tried = await sendSecrets(world);
  await readAll(world);

  assert.deepEqual(untried(world, tried), [], "secrets that were not tried");
  const told = upstream.requests.filter(({ headers }) => holds(headers.authorization ?? ""));
  assert.ok(told.length >= Object.keys(echoes).length, "the upstream was told the credentials");
  assert.deepEqual(answers.filter(holds), [], "answers of the API");
  assert.deepEqual(api.logged.filter(holds), [], "lines of the log");
  const all = await cells(api.url);
  assert.deepEqual(
    all.filter(({ text }) => holds(text)),
    [],
    "columns of the database",
  );
  assertSealed(api, all);
});

/** Tokens stand in the columns that the list of sealed columns names, and nothing else stands there. */
function assertSealed({ ctx }: TestApi, all: readonly Cell[]): void {
  const named = ctx.plugins.all.flatMap(({ sealed = [] }) =>
    sealed.flatMap(({ table, columns }) => columns.map((column) => `${table}.${column}`)),
  );
  const found = new Set(all.filter(({ text }) => TOKEN.test(text)).map(({ column }) => column));
  const stray = [...found].filter((column) => !named.includes(column));
  assert.deepEqual(stray, [], "tokens in columns that the list does not name");
  for (const column of ["remote.username", "remote.password", "task.arguments"]) {
    assert.ok(found.has(column), column);
  }
  const plain = all.filter(
    ({ column, text }) => named.includes(column) && text !== "{}" && !TOKEN.test(text),
  );
  assert.deepEqual(plain, [], "sealed columns without a token");
}
