import type { TestContext } from "node:test";
import type { Static, TSchema } from "@sinclair/typebox";
import { sql } from "kysely";
import { saveArtifact } from "#core/artifacts/commands.ts";
import { saveUnits } from "#core/content/commands.ts";
import type { Ctx } from "#core/ctx.ts";
import type { ContentType, RepositoryRef, TaskDefinition } from "#core/plugin-contract.ts";
import { createRemote } from "#core/remotes/commands.ts";
import { createVersion } from "#core/repositories/commands.ts";
import type { ContextOptions } from "../../support/context.ts";
import { createCoreWorld, digestOf, fileType } from "../../support/core-world.ts";
import { createJob, type TestJob } from "../../support/job.ts";
import { answer, createUpstream } from "../../support/upstream.ts";
import { receive } from "../artifacts/support.ts";

export interface UnitOptions {
  readonly type?: ContentType;
  /** A remote offers the file, and its upstream has it. */
  readonly offered?: boolean;
  /** Default true. */
  readonly stored?: boolean;
}

/** The core's world with stored files, an upstream that offers them, and tasks to run. */
export async function createMaintenanceWorld(t: TestContext, options: ContextOptions = {}) {
  const world = await createCoreWorld(t, options);
  const { ctx, domain, job } = world;
  const mediaRoot = ctx.settings.MEDIA_ROOT;
  const upstream = await createUpstream(t);
  const remote = await createRemote(ctx, {
    domain,
    type: "zoo.remote",
    values: { name: "upstream", url: upstream.url, max_retries: 0 },
  });

  const store = async (text: string, where = domain): Promise<string> => {
    await using file = await receive({ ctx, domain: where }, text);
    return (await saveArtifact(ctx, where, file)).id;
  };

  /** A unit whose one file holds `bytes of <name>`; returns its id. */
  const unit = async (name: string, given: UnitOptions = {}): Promise<string> => {
    const { type = fileType, offered = false, stored = true } = given;
    const text = `bytes of ${name}`;
    const source = { remote, url: `${upstream.url}/${name}`, size: text.length };
    if (offered) upstream.on(`/${name}`, answer.file(text));
    const [saved] = await saveUnits(ctx, {
      domain,
      type,
      units: [
        {
          row: { relative_path: name, digest: digestOf(text) },
          files: [
            {
              relativePath: name,
              artifact: stored ? await store(text) : null,
              ...(offered ? { source: { ...source, sha256: digestOf(text).toString("hex") } } : {}),
            },
          ],
        },
      ],
    });
    if (!saved) throw new Error("no unit");
    return saved.id;
  };

  return {
    ...world,
    mediaRoot,
    upstream,
    store,
    unit,
    job: () => createJob({ ctx, caller: job.caller, mediaRoot }),
    async run<Input extends TSchema>(
      task: TaskDefinition<Input>,
      input: Static<Input>,
      mine: TestJob = createJob({ ctx, caller: job.caller, mediaRoot }),
    ): Promise<TestJob> {
      await task.run(mine, input);
      return mine;
    },
    async version(
      repository: RepositoryRef,
      add: readonly string[],
      remove: readonly string[] = [],
    ) {
      await createVersion(job, repository.id, { add, remove });
    },
    ...observe(ctx),
  };
}

/** Lets days pass, and looks at what is there. */
const observe = ({ db }: Ctx) => ({
  age: async (days = 3) => {
    for (const table of ["content", "artifact"])
      await sql`update ${sql.table(table)} set touched = touched - make_interval(days => ${days}),
        created = created - make_interval(days => ${days})`.execute(db);
    await sql`update system_setting set value = (
      select jsonb_object_agg(key, v::timestamptz - make_interval(days => ${days}))
      from jsonb_each_text(value) as each (key, v))`.execute(db);
  },
  units: async (): Promise<string[]> => {
    const { rows } = await sql<{ relative_path: string }>`
      select relative_path from file_content order by 1`.execute(db);
    return rows.map(({ relative_path }) => relative_path);
  },
  /** Names of the units whose file is stored. */
  storedUnits: async (): Promise<string[]> => {
    const { rows } = await sql<{ relative_path: string }>`
      select relative_path from content_artifact where artifact is not null order by 1`.execute(db);
    return rows.map(({ relative_path }) => relative_path);
  },
  artifactCount: async (): Promise<number> => {
    const { rows } = await sql<{ n: number }>`select count(*) as n from artifact`.execute(db);
    return rows[0]?.n ?? 0;
  },
});

export type MaintenanceWorld = Awaited<ReturnType<typeof createMaintenanceWorld>>;
