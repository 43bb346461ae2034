import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { sql } from "kysely";
import { createRemote } from "#core/remotes/commands.ts";
import type { RemoteColumns } from "#core/remotes/types.ts";
import { createRepository } from "#core/repositories/commands.ts";
import { type SyncRequest, synchronize } from "#plugins/python/mirror/sync.ts";
import { python } from "#plugins/python/plugin.ts";
import { type ContextOptions, createContext } from "../../support/context.ts";
import { createJob, type TestJob } from "../../support/job.ts";
import { type Answer, answer, createUpstream, type Upstream } from "../../support/upstream.ts";

export const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

export const SIMPLE_JSON = "application/vnd.pypi.simple.v1+json";

/** A file of an upstream index: its name, and what the page says beyond name, address and digest. */
export interface UpstreamFile {
  readonly filename: string;
  readonly content?: string;
  readonly [key: string]: unknown;
}

/** The entry of a page for a file whose content is its name, unless said otherwise. */
export function entryOf({ filename, content = filename, ...more }: UpstreamFile) {
  const hashes = { sha256: sha256(content) };
  return { filename, url: `../../files/${filename}`, hashes, size: content.length, ...more };
}

export const page = (name: string, files: readonly UpstreamFile[]): string =>
  JSON.stringify({ meta: { "api-version": "1.1" }, name, files: files.map(entryOf) });

/** Serves the page of a project and its files. */
export function serveProject(
  upstream: Upstream,
  name: string,
  files: readonly UpstreamFile[],
  root = "",
): void {
  upstream.on(
    `${root}/simple/${name}/`,
    answer.file(page(name, files), { "content-type": SIMPLE_JSON }),
  );
  for (const { filename, content = filename } of files)
    upstream.on(`${root}/files/${filename}`, answer.file(content));
}

/** Serves the list of all projects; serials make it one that counts. */
export function serveList(upstream: Upstream, projects: Readonly<Record<string, number | null>>) {
  const list = Object.entries(projects).map(([name, serial]) => ({
    name,
    ...(serial === null ? {} : { "_last-serial": serial }),
  }));
  upstream.on("/simple/", json({ meta: { "api-version": "1.1" }, projects: list }, SIMPLE_JSON));
}

export const json = (value: unknown, type = "application/json"): Answer =>
  answer.file(JSON.stringify(value), { "content-type": type });

export const html = (body: string): Answer => answer.file(body, { "content-type": "text/html" });

export interface RemoteOptions {
  readonly includes?: readonly string[];
  readonly excludes?: readonly string[];
  readonly prereleases?: boolean;
  readonly package_types?: readonly string[];
  readonly keep_latest_packages?: number;
  readonly exclude_platforms?: readonly string[];
  readonly provenance?: boolean;
}

/** A context with the plugin, an upstream, remotes and repositories. */
export async function createMirrorWorld(t: TestContext, options: ContextOptions = {}) {
  const context = await createContext(t, { ...options, plugins: [python] });
  const upstream = await createUpstream(t);
  upstream.otherwise(answer.status(404));
  const { ctx, domain } = context;

  const addRemote = async (
    remote: RemoteOptions = {},
    values: RemoteColumns = {},
  ): Promise<string> => {
    const id = await createRemote(ctx, {
      domain,
      type: "python.python",
      values: {
        name: `remote ${Math.random()}`,
        url: upstream.url,
        policy: "on_demand",
        max_retries: 0,
        ...values,
      },
    });
    const { includes = [], excludes = [], package_types = [], exclude_platforms = [] } = remote;
    await sql`
      insert into python_remote (id, domain, includes, excludes, prereleases, package_types,
        keep_latest_packages, exclude_platforms, provenance)
      values (${id}, ${domain.num}, ${JSON.stringify(includes)}, ${JSON.stringify(excludes)},
        ${remote.prereleases ?? false}, ${JSON.stringify(package_types)},
        ${remote.keep_latest_packages ?? 0}, ${JSON.stringify(exclude_platforms)},
        ${remote.provenance ?? false})`.execute(ctx.db);
    return id;
  };
  const addRepository = async (): Promise<string> => {
    const name = `repository ${Math.random()}`;
    const repository = await createRepository(ctx, { domain, type: "python.python", name });
    await sql`insert into python_repository (id, domain)
      values (${repository.id}, ${domain.num})`.execute(ctx.db);
    return repository.id;
  };

  return {
    ...context,
    upstream,
    addRemote,
    addRepository,
    job: () => createJob(context),
    /** Runs one sync and returns its job. */
    sync: async (
      request: Omit<SyncRequest, "mirror"> & { readonly mirror?: boolean },
      job: TestJob = createJob(context),
    ): Promise<TestJob> => {
      await synchronize(job, { mirror: false, ...request });
      return job;
    },
    /** Names of the files of the latest version, sorted. */
    filenames: async (repository: string): Promise<string[]> => {
      const { rows } = await sql<{ filename: string }>`
        select p.filename from repository r
        join membership m on m.repository = r.num and m.removed = 2147483647
        join python_package p on p.id = m.content
        where r.id = ${repository} order by 1`.execute(ctx.db);
      return rows.map(({ filename }) => filename);
    },
    /** The row of a package. */
    row: async (filename: string) => {
      const { rows } = await sql<Readonly<Record<string, unknown>>>`
        select * from python_package where filename = ${filename}`.execute(ctx.db);
      return rows[0] ?? {};
    },
    /** Files of a package: relative path → address, and whether it is stored. */
    files: async (filename: string) => {
      const { rows } = await sql<{ relative_path: string; url: string; stored: boolean }>`
        select ca.relative_path, r.url, ca.artifact is not null as stored from python_package p
        join content_artifact ca on ca.content = p.id
        left join remote_artifact r on r.content_artifact = ca.id
        where p.filename = ${filename} order by 1`.execute(ctx.db);
      return rows;
    },
    yanks: async (repository: string) => {
      const { rows } = await sql<{ name: string; version: string; reason: string }>`
        select y.name_normalized as name, y.version, y.yanked_reason as reason from repository r
        join membership m on m.repository = r.num and m.removed = 2147483647
        join python_yank y on y.id = m.content where r.id = ${repository} order by 1, 2
      `.execute(ctx.db);
      return rows;
    },
    versions: async (repository: string) => {
      const { rows } = await sql<{ number: number; complete: boolean }>`
        select v.number, v.complete from repository_version v
        join repository r on r.num = v.repository
        where r.id = ${repository} order by 1`.execute(ctx.db);
      return rows.map(({ number, complete }) => (complete ? number : `${number} draft`));
    },
  };
}
