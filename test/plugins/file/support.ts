import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { sql } from "kysely";
import { createRemote } from "#core/remotes/commands.ts";
import type { RemoteColumns } from "#core/remotes/types.ts";
import { createRepository } from "#core/repositories/commands.ts";
import type { NewRepository } from "#core/repositories/types.ts";
import { file } from "#plugins/file/plugin.ts";
import type { SyncRequest } from "#plugins/file/sync.ts";
import { synchronize } from "#plugins/file/sync.ts";
import { fileDb } from "#plugins/file/tables.ts";
import type { ContextOptions } from "../../support/context.ts";
import { createContext } from "../../support/context.ts";
import { createJob, type TestJob } from "../../support/job.ts";
import { answer, createUpstream, type Upstream } from "../../support/upstream.ts";

export const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

export const line = (path: string, content: string) =>
  `${path},${sha256(content)},${Buffer.byteLength(content)}`;

/** Serves a folder of files with their manifest; returns the text of the manifest. */
export function serveFiles(
  upstream: Upstream,
  files: Readonly<Record<string, string>>,
  folder = "",
): string {
  const entries = Object.entries(files);
  const manifest = `${entries.map(([path, content]) => line(path, content)).join("\n")}\n`;
  upstream.on(`${folder}/PULP_MANIFEST`, answer.file(manifest));
  for (const [path, content] of entries)
    upstream.on(
      `${folder}/${path.split("/").map(encodeURIComponent).join("/")}`,
      answer.file(content),
    );
  return manifest;
}

/** A context with the plugin, an upstream, a remote and a repository. */
export async function createFileWorld(t: TestContext, options: ContextOptions = {}) {
  const context = await createContext(t, { ...options, plugins: [file] });
  const upstream = await createUpstream(t);
  const { ctx, domain } = context;
  const url = `${upstream.url}/PULP_MANIFEST`;

  const addRemote = (values: RemoteColumns = {}) =>
    createRemote(ctx, {
      domain,
      type: "file.file",
      values: { name: `remote ${Math.random()}`, url, max_retries: 0, ...values },
    });
  const addRepository = async (
    values: Partial<NewRepository> = {},
    detail: { readonly autopublish?: boolean; readonly manifest?: string | null } = {},
  ) => {
    const name = `repository ${Math.random()}`;
    const repository = await createRepository(ctx, { domain, type: "file.file", name, ...values });
    await fileDb(ctx.db)
      .insertInto("file_repository")
      .values({
        id: repository.id,
        domain: domain.num,
        autopublish: detail.autopublish ?? false,
        manifest: detail.manifest === undefined ? "PULP_MANIFEST" : detail.manifest,
        last_sync_details: {},
      })
      .execute();
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
    /** Path → "stored" or "deferred", of the latest version. */
    members: async (repository: string): Promise<Record<string, string>> => {
      const { rows } = await sql<{ relative_path: string; stored: boolean }>`
        select f.relative_path, ca.artifact is not null as stored
        from repository r join membership m on m.repository = r.num and m.removed = 2147483647
        join file_content f on f.id = m.content join content_artifact ca on ca.content = m.content
        where r.id = ${repository} order by 1`.execute(ctx.db);
      return Object.fromEntries(
        rows.map((row) => [row.relative_path, row.stored ? "stored" : "deferred"]),
      );
    },
    versions: async (repository: string) => {
      const { rows } = await sql<{ number: number; complete: boolean }>`
        select v.number, v.complete from repository_version v join repository r on r.num = v.repository
        where r.id = ${repository} order by 1`.execute(ctx.db);
      return rows.map(({ number, complete }) => (complete ? number : `${number} draft`));
    },
    /** Complete publications, newest first: their paths and artifacts' content. */
    publications: async () => {
      const { rows } = await sql<{ id: string; manifest: string | null; layout: string }>`
        select p.id, f.manifest, p.layout from publication p join file_publication f on f.id = p.id
        where p.complete order by p.created desc`.execute(ctx.db);
      return rows;
    },
    /** Bytes of a generated file of a publication. */
    publishedText: async (publication: string, path: string): Promise<string | undefined> => {
      const { rows } = await sql<{ sha256: Buffer }>`
        select a.sha256 from publication_path p join artifact a on a.id = p.artifact
        where p.publication = ${publication} and p.relative_path = ${path}`.execute(ctx.db);
      const hex = rows[0]?.sha256.toString("hex");
      if (hex === undefined) return undefined;
      await using object = await ctx
        .storage(domain)
        .open(`artifact/${hex.slice(0, 2)}/${hex.slice(2)}`);
      return (await object.read(0, object.sizeBytes)).toString();
    },
    counts: async () => {
      const { rows } = await sql<{ artifacts: number; units: number; sources: number }>`
        select (select count(*) from artifact) as artifacts, (select count(*) from content) as units,
          (select count(*) from remote_artifact) as sources`.execute(ctx.db);
      return rows[0];
    },
  };
}
