import assert from "node:assert/strict";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { createDistribution } from "#core/distributions/commands.ts";
import { ARTIFACT_DISTRIBUTION } from "#core/guards/models.ts";
import { createTaskGroup } from "#core/tasks/commands.ts";
import { formOf, type TestApi } from "./rest-api.ts";
import { addTask } from "./rest-rows.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";

/** A path of a domain, where domains are on. */
export const inDomain = (name: string, path = "") => `/pulp/${name}/api/v3/${path}`;

type Domain = TestApi["domain"];

/** A domain, and by path of the resource the href of an object that it has. */
export interface Tenant {
  readonly domain: Domain;
  readonly hrefs: ReadonlyMap<string, string>;
}

/** Who makes objects, and what their names end with. */
export interface MakingOptions {
  /** `name:password`; default is the administrator. Artifacts are the administrator's always. */
  readonly user?: string;
  readonly suffix?: string;
}

interface Making extends Required<Pick<MakingOptions, "suffix">>, Pick<MakingOptions, "user"> {
  readonly api: TestApi;
  readonly domain: Domain;
  /** Href of an object of the tenant that was made before. */
  of(path: string): string;
}

const post = async (
  { api, domain, user }: Making,
  path: string,
  json: unknown,
): Promise<string> => {
  const as = user === undefined ? {} : { user };
  const answer = await api.request("POST", inDomain(domain.name, path), { json, ...as });
  if (answer.status === 201) return answer.body.pulp_href;
  assert.equal(answer.status, 202, answer.text);
  const { body: task } = await api.get(answer.body.task);
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  return task.created_resources[0];
};

/** The last id of an href. */
export const idOf = (href: string): string =>
  /([0-9a-f-]{36})\/(?!.*[0-9a-f-]{36})/.exec(href)?.[1] ?? "";

/** How an object of each resource is made; a resource that is missing here fails the test. */
export const MAKERS: Readonly<Record<string, (making: Making) => Promise<string>>> = {
  "contentguards/core/rbac": (m) =>
    post(m, "contentguards/core/rbac/", { name: `rbac${m.suffix}` }),
  "contentguards/core/header": (m) =>
    post(m, "contentguards/core/header/", {
      name: `h${m.suffix}`,
      header_name: "x",
      header_value: "y",
    }),
  "contentguards/core/content_redirect": (m) =>
    post(m, "contentguards/core/content_redirect/", { name: `redirect${m.suffix}` }),
  "contentguards/core/composite": (m) =>
    post(m, "contentguards/core/composite/", {
      name: `c${m.suffix}`,
      guards: [m.of("contentguards/core/rbac")],
    }),
  artifacts: async ({ api, domain, suffix }) => {
    const form = formOf({}, [{ name: "file", bytes: `the same bytes everywhere${suffix}` }]);
    const { status, body } = await api.request("POST", inDomain(domain.name, "artifacts/"), form);
    assert.equal(status, 201);
    return body.pulp_href;
  },
  "task-groups": async ({ api, domain }) => {
    const id = await createTaskGroup(api.ctx, { domain, description: "group" });
    return inDomain(domain.name, `task-groups/${id}/`);
  },
  "task-schedules": async ({ api, domain, suffix }) => {
    const id = uuid7();
    const row = { id, domain: domain.num, name: `schedule${suffix}`, task_name: "x" };
    await api.ctx.db.insertInto("task_schedule").values(row).execute();
    return inDomain(domain.name, `task-schedules/${id}/`);
  },
  tasks: async ({ api, domain }) =>
    inDomain(domain.name, `tasks/${await addTask({ ctx: api.ctx, domain })}/`),
  uploads: (m) => post(m, "uploads/", { size: 10 }),
  "content/file/files": async ({ api, domain, of }) => {
    const form = formOf({ relative_path: "a/b", artifact: of("artifacts") });
    const url = inDomain(domain.name, "content/file/files/upload/");
    const { status, body, text } = await api.request("POST", url, form);
    assert.equal(status, 201, text);
    return body.pulp_href;
  },
  "remotes/file/file": (m) =>
    post(m, "remotes/file/file/", { name: `r${m.suffix}`, url: "http://x.example/" }),
  "repositories/file/file": (m) =>
    post(m, "repositories/file/file/", { name: `r${m.suffix}`, remote: m.of("remotes/file/file") }),
  "repositories/file/file/{}/versions": async ({ of }) =>
    `${of("repositories/file/file")}versions/0/`,
  "publications/file/file": async ({ api, domain, of }) => {
    const { id: version } = await api.ctx.db
      .selectFrom("repository_version")
      .innerJoin("repository", "repository.num", "repository_version.repository")
      .select("repository_version.id")
      .where("repository.id", "=", idOf(of("repositories/file/file").replace(/versions.*/, "")))
      .executeTakeFirstOrThrow();
    const id = uuid7();
    const row = { id, domain: domain.num, type: "file.file", version, complete: true };
    await api.ctx.db.insertInto("publication").values(row).execute();
    await sql`insert into file_publication (id, domain) values (${id}, ${domain.num})`.execute(
      api.ctx.db,
    );
    return inDomain(domain.name, `publications/file/file/${id}/`);
  },
  "distributions/file/file": (m) =>
    post(m, "distributions/file/file/", {
      name: `d${m.suffix}`,
      base_path: `d${m.suffix}`,
      repository: m.of("repositories/file/file"),
      content_guard: m.of("contentguards/core/rbac"),
    }),
  "distributions/core/artifacts": async ({ api, domain, suffix }) => {
    const name = `artifacts${suffix}`;
    const input = { domain, type: ARTIFACT_DISTRIBUTION.type, name, basePath: name };
    return inDomain(
      domain.name,
      `distributions/core/artifacts/${await createDistribution(api.ctx, input)}/`,
    );
  },
  "acs/file/file": async (m) => {
    const remote = await post(m, "remotes/file/file/", {
      name: `acs${m.suffix}`,
      url: "http://x.example/",
      policy: "on_demand",
    });
    return post(m, "acs/file/file/", { name: `acs${m.suffix}`, remote, paths: [] });
  },
};

/** A new domain with an object of everything that belongs to domains. */
export async function createTenant(
  api: TestApi,
  name: string,
  options: MakingOptions = {},
): Promise<Tenant> {
  const json = { name, storage_class: FILE_SYSTEM, storage_settings: { MEDIA_ROOT: "" } };
  const as = options.user === undefined ? {} : { user: options.user };
  const made = await api.request("POST", inDomain("default", "domains/"), { json, ...as });
  assert.equal(made.status, 201, made.text);
  const domain = await api.ctx.db
    .selectFrom("domain")
    .select(["num", "id", "name"])
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  return { domain, hrefs: await makeObjects(api, domain, options) };
}

/** An object of each resource, by the resource's path. */
export async function makeObjects(
  api: TestApi,
  domain: Domain,
  { suffix = "", ...options }: MakingOptions = {},
): Promise<ReadonlyMap<string, string>> {
  const hrefs = new Map<string, string>();
  const of = (path: string): string => hrefs.get(path) ?? assert.fail(`no ${path} yet`);
  for (const [path, make] of Object.entries(MAKERS))
    hrefs.set(path, await make({ api, domain, of, suffix, ...options }));
  return hrefs;
}
