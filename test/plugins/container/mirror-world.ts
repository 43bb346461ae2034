import type { TestContext } from "node:test";
import { sql } from "kysely";
import { createRemote } from "#core/remotes/commands.ts";
import type { RemoteColumns } from "#core/remotes/types.ts";
import { createRepository } from "#core/repositories/commands.ts";
import { type SyncRequest, synchronize } from "#plugins/container/mirror/sync.ts";
import { container } from "#plugins/container/plugin.ts";
import { type ContextOptions, createContext } from "../../support/context.ts";
import { createJob, type TestJob } from "../../support/job.ts";
import { createFakeRegistry, type FakeOptions } from "./fake-registry.ts";

export interface RemoteOptions {
  readonly upstream_name?: string;
  readonly includes?: readonly string[] | null;
  readonly excludes?: readonly string[] | null;
  readonly sigstore?: string | null;
  readonly platforms?: readonly string[] | null;
}

type Request = Omit<SyncRequest, "mirror" | "signedOnly"> & Partial<SyncRequest>;

/** A context with the plugin, a stand-in registry, remotes and repositories. */
export async function createMirrorWorld(
  t: TestContext,
  { fake = {}, ...options }: ContextOptions & { readonly fake?: FakeOptions } = {},
) {
  const context = await createContext(t, { ...options, plugins: [container] });
  const registry = await createFakeRegistry(t, fake);
  const { ctx, domain } = context;

  const addRemote = async (
    remote: RemoteOptions = {},
    values: RemoteColumns = {},
  ): Promise<string> => {
    const id = await createRemote(ctx, {
      domain,
      type: "container.container",
      values: {
        name: `remote ${Math.random()}`,
        url: registry.upstream.url,
        policy: "immediate",
        max_retries: 0,
        ...values,
      },
    });
    const { upstream_name = "library/app", includes = null, excludes = null } = remote;
    const json = (list: readonly string[] | null) => (list === null ? null : JSON.stringify(list));
    await sql`
      insert into container_remote
        (id, domain, upstream_name, includes, excludes, sigstore, platforms)
      values (${id}, ${domain.num}, ${upstream_name}, ${json(includes)}, ${json(excludes)},
        ${remote.sigstore ?? null}, ${json(remote.platforms ?? null)})`.execute(ctx.db);
    return id;
  };
  const addRepository = async (): Promise<string> => {
    const name = `repository ${Math.random()}`;
    const { id } = await createRepository(ctx, { domain, type: "container.container", name });
    await sql`insert into container_repository (id, domain) values (${id}, ${domain.num})`.execute(
      ctx.db,
    );
    return id;
  };
  const column = async (text: ReturnType<typeof sql<{ value: string }>>): Promise<string[]> =>
    (await text.execute(ctx.db)).rows.map(({ value }) => value);
  const members = sql`repository r join membership m on m.repository = r.num
    and m.removed = 2147483647`;

  return {
    ...context,
    ...registry,
    addRemote,
    addRepository,
    job: () => createJob(context),
    /** Runs one sync and returns its job. */
    sync: async (request: Request, job: TestJob = createJob(context)): Promise<TestJob> => {
      await synchronize(job, { mirror: false, signedOnly: false, ...request });
      return job;
    },
    /** `name digest` of the tags of the latest version, sorted. */
    tags: (repository: string) =>
      column(sql`select t.name || ' ' || x.digest as value from ${members}
        join container_tag t on t.id = m.content join container_manifest x on x.id = t.manifest
        where r.id = ${repository} order by 1`),
    /** Digests of the manifests of the latest version, sorted. */
    manifests: (repository: string) =>
      column(sql`select x.digest as value from ${members}
        join container_manifest x on x.id = m.content where r.id = ${repository} order by 1`),
    /** Digests of the blobs of the latest version; those whose bytes are not here have a `?`. */
    blobs: (repository: string) =>
      column(sql`select b.digest || case when f.artifact is null then '?' else '' end as value
        from ${members} join container_blob b on b.id = m.content
        join content_artifact f on f.content = b.id where r.id = ${repository} order by 1`),
    signatures: (repository: string) =>
      column(sql`select s.name as value from ${members}
        join container_signature s on s.id = m.content where r.id = ${repository} order by 1`),
    /** Numbers of the versions. */
    versions: async (repository: string): Promise<number[]> => {
      const { rows } = await sql<{ number: number }>`
        select v.number from repository_version v join repository r on r.num = v.repository
        where r.id = ${repository} and v.complete order by 1`.execute(ctx.db);
      return rows.map(({ number }) => number);
    },
    row: async (digest: string) => {
      const { rows } = await sql<Readonly<Record<string, unknown>>>`
        select * from container_manifest where digest = ${digest}`.execute(ctx.db);
      return rows[0] ?? {};
    },
  };
}

export type MirrorWorld = Awaited<ReturnType<typeof createMirrorWorld>>;
