import assert from "node:assert/strict";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { saveUnits } from "#core/content/commands.ts";
import { createDistribution } from "#core/distributions/commands.ts";
import { ARTIFACT_DISTRIBUTION } from "#core/guards/models.ts";
import type { ContentType, DetailRow } from "#core/plugin-contract.ts";
import { createTaskGroup } from "#core/tasks/commands.ts";
import { pythonProvenance, pythonYank } from "#plugins/python/content.ts";
import { provenanceRow } from "#plugins/python/provenance.ts";
import { sdist } from "../plugins/python/distributions.ts";
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
  const url = path.startsWith("/") ? path : inDomain(domain.name, path);
  const answer = await api.request("POST", url, { json, ...as });
  if (answer.status === 201) return answer.body.pulp_href;
  assert.equal(answer.status, 202, answer.text);
  const { body: task } = await api.get(answer.body.task);
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  return task.created_resources[0];
};

/** The last id of an href. */
export const idOf = (href: string): string =>
  /([0-9a-f-]{36})\/(?!.*[0-9a-f-]{36})/.exec(href)?.[1] ?? "";

async function saveUnit(
  { api: { ctx }, domain }: Making,
  type: ContentType,
  row: DetailRow,
): Promise<string> {
  const [unit] = await saveUnits(ctx, { domain, type, units: [{ row, files: [] }] });
  return inDomain(domain.name, `${type.path}/${unit?.id}/`);
}

/** A complete publication of the first version of the tenant's repository. */
async function publication(
  { api, domain, of }: Making,
  type: string,
  path: string,
): Promise<string> {
  const { id: version } = await api.ctx.db
    .selectFrom("repository_version")
    .innerJoin("repository", "repository.num", "repository_version.repository")
    .select("repository_version.id")
    .where("repository.id", "=", idOf(of(`repositories/${type.replace(".", "/")}`)))
    .executeTakeFirstOrThrow();
  const id = uuid7();
  const row = { id, domain: domain.num, type, version, complete: true };
  await api.ctx.db.insertInto("publication").values(row).execute();
  return inDomain(domain.name, `publications/${path}/${id}/`);
}

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
  "content/python/packages": async ({ api, domain, suffix }) => {
    const bytes = sdist({ salt: `everywhere${suffix}` }).bytes;
    const form = formOf({}, [
      { name: "file", bytes, filename: `shelf-reader-0.1${suffix}.tar.gz` },
    ]);
    const url = inDomain(domain.name, "content/python/packages/upload/");
    const { status, body, text } = await api.request("POST", url, form);
    assert.equal(status, 201, text);
    return body.pulp_href;
  },
  "content/python/provenance": async (m) => {
    const provenance = { version: 1, attestation_bundles: [] } as const;
    const row = provenanceRow(idOf(m.of("content/python/packages")), provenance);
    const key = { sha256: Buffer.alloc(32, `the same${m.suffix}`) };
    return saveUnit(m, pythonProvenance, { ...row, ...key });
  },
  "content/python/yanks": (m) =>
    saveUnit(m, pythonYank, { name_normalized: "x", version: "1", yanked_reason: m.suffix }),
  "remotes/python/python": (m) =>
    post(m, "remotes/python/python/", { name: `p${m.suffix}`, url: "http://x.example/" }),
  "repositories/python/python": (m) =>
    post(m, "repositories/python/python/", {
      name: `p${m.suffix}`,
      remote: m.of("remotes/python/python"),
    }),
  "repositories/python/python/{}/versions": async ({ of }) =>
    `${of("repositories/python/python")}versions/0/`,
  "repositories/python/python/{}/blocklist_entries": (m) =>
    post(m, `${m.of("repositories/python/python")}blocklist_entries/`, { name: "x" }),
  "repositories/python/python/{}/trusted_publishers": (m) =>
    post(m, `${m.of("repositories/python/python")}trusted_publishers/`, {
      issuer: "https://gitlab.com",
      claims: { project_path: "org/app" },
    }),
  "publications/python/pypi": (m) => publication(m, "python.python", "python/pypi"),
  "distributions/python/pypi": (m) =>
    post(m, "distributions/python/pypi/", {
      name: `p${m.suffix}`,
      base_path: `p${m.suffix}`,
      repository: m.of("repositories/python/python"),
    }),
  "distributions/python/pypi/{}/downloads": async (m) => {
    const id = uuid7();
    const distribution = m.of("distributions/python/pypi");
    await sql`insert into python_download (id, domain, distribution, filename, count)
      values (${id}, ${m.domain.num}, ${idOf(distribution)}, 'x-1.tar.gz', 1)`.execute(
      m.api.ctx.db,
    );
    return `${distribution}downloads/${id}/`;
  },
  vuln_report: async ({ api, domain, of }) => {
    const id = uuid7();
    await sql`insert into vulnerability_report (id, domain, content, vulns)
      values (${id}, ${domain.num}, ${idOf(of("content/file/files"))}, '[]')`.execute(api.ctx.db);
    return inDomain(domain.name, `vuln_report/${id}/`);
  },
  "remotes/file/file": (m) =>
    post(m, "remotes/file/file/", { name: `r${m.suffix}`, url: "http://x.example/" }),
  "repositories/file/file": (m) =>
    post(m, "repositories/file/file/", { name: `r${m.suffix}`, remote: m.of("remotes/file/file") }),
  "repositories/file/file/{}/versions": async ({ of }) =>
    `${of("repositories/file/file")}versions/0/`,
  "publications/file/file": async (m) => {
    const href = await publication(m, "file.file", "file/file");
    await sql`insert into file_publication (id, domain)
      values (${idOf(href)}, ${m.domain.num})`.execute(m.api.ctx.db);
    return href;
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
  rh_service_account: (m) =>
    post(m, "rh_service_account/", {
      name: `account${m.suffix}`,
      subject_dn: `/O=${m.domain.name}${m.suffix}/CN=program`,
    }),
  rh_cert_guard_permission: (m) =>
    post(m, "rh_cert_guard_permission/", {
      name: `rule${m.suffix}`,
      content_guard: m.of("contentguards/core/rbac"),
      service_account: m.of("rh_service_account"),
    }),
  vuln_report_service: async ({ api, domain }) => {
    const id = uuid7();
    await sql`insert into service_vuln_report (id, domain, vulns)
      values (${id}, ${domain.num}, '{}')`.execute(api.ctx.db);
    return inDomain(domain.name, `vuln_report_service/${id}/`);
  },
  pypi_yank_monitor: (m) =>
    post(m, "pypi_yank_monitor/", {
      name: `yanks of ${m.domain.name}${m.suffix}`,
      repository: m.of("repositories/python/python"),
    }),
  push_repository: (m) =>
    post(m, "push_repository/", {
      name: `push${m.suffix}`,
      repository: m.of("repositories/file/file"),
    }),
  rpm_package_download: async ({ api, domain, suffix }) => {
    const id = uuid7();
    await sql`insert into service_package_download (id, domain, hour, key, package_type, name,
        base_path, client_family, count, bytes, cache_hits)
      values (${id}, ${domain.num}, date_trunc('hour', now()), ${id}, 'rpm', ${`bear${suffix}`}, 'b', 'dnf', 1, 1,
        0)`.execute(api.ctx.db);
    return inDomain(domain.name, `rpm_package_download/${id}/`);
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

/** An object of each resource that the API has, by the resource's path. */
export async function makeObjects(
  api: TestApi,
  domain: Domain,
  { suffix = "", ...options }: MakingOptions = {},
): Promise<ReadonlyMap<string, string>> {
  const hrefs = new Map<string, string>();
  const of = (path: string): string => hrefs.get(path) ?? assert.fail(`no ${path} yet`);
  for (const [path, make] of Object.entries(MAKERS))
    if (api.api.byPath(path)) hrefs.set(path, await make({ api, domain, of, suffix, ...options }));
  return hrefs;
}
