import { randomUUID } from "node:crypto";
import { Type } from "@sinclair/typebox";
import { prn } from "#base/prn.ts";
import type { ContentHandler, Ctx } from "#sdk";
import { createVersion, defineTask, dispatch, saveUnits, sql } from "#sdk";
import { pythonPackage } from "../content.ts";
import { ingest } from "../ingest.ts";
import type { PulledLink } from "./link.ts";

type Match = Parameters<NonNullable<ContentHandler["resolve"]>>[1]["match"];

const id = Type.String();

/** Adds a package that was pulled through to the repository of the distribution. */
export const addPulled = defineTask({
  name: "pulp_python.app.tasks.pull_through.add_content",
  label: "python",
  input: Type.Object({ repository: id, content: id }),
  immediate: true,
  async run(job, { repository, content }) {
    await createVersion(job, repository, { add: [content], remove: [] });
    return null;
  },
});

/**
 * Makes a file that was fetched a package, and adds it to the repository. The client has its bytes
 * in any case: a file that is no package is passed on and not kept.
 */
export async function keepPulled(
  ctx: Ctx,
  match: Match,
  { pulled, artifact }: { readonly pulled: PulledLink; readonly artifact: string },
): Promise<void> {
  const { filename, remote, url, sha256 } = pulled;
  try {
    const { domain } = match;
    const unit = await ingest(ctx, domain, { artifact, filename });
    const source = { remote, url, ...(sha256 === null ? {} : { sha256 }) };
    const files = unit.files.map((file) =>
      file.artifact === artifact ? { ...file, source } : file,
    );
    const units = [{ row: unit.row, files }];
    const [saved] = await saveUnits(ctx, { domain, type: pythonPackage, units });
    if (saved) await joinRepository(ctx, match, saved.id);
  } catch (error) {
    ctx.log.error(`${filename} was fetched from ${url}, but is not kept: ${error}`);
  }
}

/** Adds a package to the repository of the distribution, unless it is in there. */
export async function joinRepository(
  ctx: Ctx,
  { domain, distribution }: Match,
  content: string,
): Promise<void> {
  const { repository } = distribution;
  if (repository === null || (await isMember(ctx, repository, content))) return;
  await dispatch(ctx, {
    task: addPulled,
    input: { repository, content },
    caller: { domain, user: null, correlationId: randomUUID().replaceAll("-", "") },
    exclusive: [prn("python.PythonRepository", repository)],
  });
}

async function isMember(ctx: Ctx, repository: string, content: string): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (
      select from membership m join repository r on r.num = m.repository
      where r.id = ${repository} and m.content = ${content} and m.removed = 2147483647
    ) as is`.execute(ctx.db);
  return rows[0]?.is ?? false;
}
