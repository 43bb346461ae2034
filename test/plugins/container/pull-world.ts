import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { createDistribution } from "#core/distributions/commands.ts";
import { createRemote } from "#core/remotes/commands.ts";
import type { RemoteColumns } from "#core/remotes/types.ts";
import type { ContextOptions } from "../../support/context.ts";
import { createFakeRegistry, type FakeOptions } from "./fake-registry.ts";
import { createRegistryWorld } from "./registry-world.ts";

export interface ThroughOptions extends RemoteColumns {
  readonly basePath?: string;
  readonly includes?: readonly string[];
  readonly excludes?: readonly string[];
  readonly isPrivate?: boolean;
}

/** The registry, a stand-in upstream, and pull-through distributions. */
export async function createPullWorld(
  t: TestContext,
  { fake = {}, ...options }: ContextOptions & { readonly fake?: FakeOptions } = {},
) {
  const world = await createRegistryWorld(t, options);
  const registry = await createFakeRegistry(t, fake);
  const { ctx, domain } = world;
  const json = (list: readonly string[] | undefined) => (list ? JSON.stringify(list) : null);

  return {
    ...world,
    ...registry,
    /** @returns `remote.id` and `distribution.id` */
    addThrough: async (through: ThroughOptions = {}) => {
      const { basePath = "cache", includes, excludes, isPrivate = false, ...columns } = through;
      const remote = await createRemote(ctx, {
        domain,
        type: "container.pull-through",
        values: {
          name: basePath,
          url: registry.upstream.url,
          policy: "on_demand",
          max_retries: 0,
          ...columns,
        },
      });
      await sql`
        insert into container_pull_through_remote (id, domain, includes, excludes)
        values (${remote}, ${domain.num}, ${json(includes)}, ${json(excludes)})`.execute(ctx.db);
      const place = { name: basePath, basePath, remote };
      const type = "container.pull-through";
      const distribution = await createDistribution(ctx, { domain, type, ...place });
      const namespace = uuid7();
      await sql`
        insert into container_namespace (id, domain, name)
        values (${namespace}, ${domain.num}, ${basePath.split("/")[0]})`.execute(ctx.db);
      await sql`
        insert into container_distribution (id, domain, namespace, private)
        values (${distribution}, ${domain.num}, ${namespace}, ${isPrivate})`.execute(ctx.db);
      return { remote, distribution };
    },
    /** What there is of a path: names of tables. */
    made: async (path: string): Promise<string[]> => {
      const { rows } = await sql<{ kind: string }>`
        select 'repository' as kind from repository where name = ${path}
        union all select 'remote' from remote where name = ${path}
        union all select 'distribution' from distribution where base_path = ${path}
        order by 1`.execute(ctx.db);
      return rows.map(({ kind }) => kind);
    },
    /** Waits until the bytes of a blob are kept: that goes on after the client has them. */
    stored: async (digest: string): Promise<void> => {
      for (let tries = 0; tries < 200; tries += 1) {
        const { rows } = await sql`
          select from content_artifact where relative_path = ${digest} and artifact is not null`.execute(
          ctx.db,
        );
        if (rows.length > 0) return;
        await sleep(25);
      }
      throw new Error(`${digest} is not kept.`);
    },
    get: (path: string, init: RequestInit = {}) => world.ask("GET", `/v2/${path}`, init),
  };
}
