import { sql } from "kysely";
import { pdrn, prn } from "#base/prn.ts";
import { cleanUpOrphans, reclaimSpaceTask, repairAllArtifacts } from "#core/maintenance/tasks.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { parseAddress } from "../kit/address.ts";
import { modelKey } from "../kit/api-index.ts";
import type { Call, Run } from "../kit/call.ts";
import { integer, list } from "../kit/fields.ts";
import { contentIds } from "../kit/references.ts";
import { defineEndpoint, type Endpoint, FieldProblem, type Outcome } from "../kit/resource.ts";
import { repairBody } from "./families/version-resource.ts";

const TASK = { 202: "AsyncOperationResponse" } as const;
const EMPTY = "Must not be [].";
/** All repositories of the domain. */
const EVERY = "*";

function texts(values: readonly unknown[]): readonly string[] {
  if (values.length === 0) throw new FieldProblem(EMPTY);
  const odd = values.find((value) => typeof value !== "string");
  if (odd !== undefined) throw new FieldProblem(`URI not valid: ${JSON.stringify(odd)}`);
  return values as readonly string[];
}

async function cleanUp(
  { ctx, caller }: Call,
  input: { readonly content?: string[]; readonly protectionMinutes?: number },
): Promise<Outcome> {
  const exclusive = [pdrn(caller.domain.id, "orphans")];
  const { id } = await dispatch(ctx, { task: cleanUpOrphans, input, caller, exclusive });
  return { kind: "task", task: id };
}

export const orphansCleanup: Endpoint = defineEndpoint({
  path: "orphans/cleanup",
  method: "POST",
  label: "core",
  operationId: "orphans_cleanup_cleanup",
  tag: "Orphans: Cleanup",
  title: "Clean up orphans",
  body: {
    schema: "OrphansCleanup",
    fields: {
      content_hrefs: list(
        {},
        { check: (values: readonly unknown[], run: Run) => contentIds(run, texts(values)) },
      ),
      orphan_protection_time: integer({ nullable: true }, { minimum: 0, maximum: 4_294_967_295 }),
    },
    isLenient: true,
  },
  answers: TASK,
  run: (call, { content_hrefs: content, orphan_protection_time: minutes }) =>
    cleanUp(call, {
      ...(Array.isArray(content) ? { content } : {}),
      ...(typeof minutes === "number" ? { protectionMinutes: minutes } : {}),
    }),
});

/** The way of old clients: no body, every default. */
export const orphansDelete: Endpoint = defineEndpoint({
  path: "orphans",
  method: "DELETE",
  label: "core",
  operationId: "orphans_delete",
  tag: "Orphans",
  title: "Delete orphans",
  answers: TASK,
  run: (call) => cleanUp(call, {}),
});

export const repair: Endpoint = defineEndpoint({
  path: "repair",
  method: "POST",
  label: "core",
  operationId: "repair_post",
  tag: "Repair",
  title: "Repair artifacts",
  body: repairBody,
  answers: TASK,
  async run({ ctx, caller }, { verify_checksums }) {
    const { id } = await dispatch(ctx, {
      task: repairAllArtifacts,
      input: { verifyChecksums: verify_checksums !== false },
      caller,
      exclusive: [pdrn(caller.domain.id, "repair")],
    });
    return { kind: "task", task: id };
  },
});

interface RepositoryRow {
  readonly id: string;
  readonly type: string;
}

/** Repositories by href or PRN, with one statement; `*` stands for all and stays. */
async function repositories(
  values: readonly unknown[],
  run: Run,
): Promise<typeof EVERY | readonly RepositoryRow[]> {
  const given = texts(values);
  if (given.includes(EVERY)) {
    if (given.length === 1) return EVERY;
    throw new FieldProblem(`Can not specify other HREFs when using '${EVERY}'`);
  }
  const ids = given.map((value) => {
    const address = parseAddress(value, run.view);
    if (!address) throw new FieldProblem(`URI not valid: ${value}`);
    if (address.resource.family === "repository") return address.key;
    throw new FieldProblem(`URI ${value} is not a valid Repository.`);
  });
  const rows = await repositoryRows(run, ids);
  const missing = given.find((_, index) => !rows.some(({ id }) => id === ids[index]));
  if (missing !== undefined) throw new FieldProblem(`URI ${missing} not found for Repository.`);
  return rows;
}

async function repositoryRows(
  { ctx, caller }: Run,
  ids?: readonly string[],
): Promise<readonly RepositoryRow[]> {
  const among = ids === undefined ? sql`` : sql`and id = any(${ids}::uuid[])`;
  const { rows } = await sql<RepositoryRow>`
    select id, type from repository where domain = ${caller.domain.num} ${among} order by id`.execute(
    ctx.db,
  );
  return rows;
}

interface VersionRow {
  readonly id: string;
  readonly repository: string;
  readonly number: number;
}

/** Ids of versions by href or PRN, with one statement. */
async function versionIds(values: readonly string[], run: Run): Promise<readonly string[]> {
  const wanted = values.map((value) => {
    const address = parseAddress(value, run.view);
    if (!address) throw new FieldProblem(`URI not valid: ${value}`);
    if (modelKey(address.resource) === "core.repositoryversion") return address;
    throw new FieldProblem(`URI ${value} is not a valid RepositoryVersion.`);
  });
  const byNumber = wanted.filter(({ parent }) => parent !== undefined);
  const byId = wanted.filter(({ parent }) => parent === undefined);
  const { rows } = await sql<VersionRow>`
    select v.id, r.id as repository, v.number from repository r
    join repository_version v on v.repository = r.num and v.complete
    where r.domain = ${run.caller.domain.num} and (v.id = any(${byId.map(({ key }) => key)}::uuid[])
      or (r.id, v.number) in (select * from unnest(
        ${byNumber.map(({ parent }) => parent)}::uuid[], ${byNumber.map(({ key }) => Number(key))}::int[])))`.execute(
    run.ctx.db,
  );
  return wanted.map(({ key, parent }, index) => {
    const found = rows.find((row) =>
      parent === undefined
        ? row.id === key
        : row.repository === parent && row.number === Number(key),
    );
    if (found) return found.id;
    throw new FieldProblem(`URI ${values[index]} not found for RepositoryVersion.`);
  });
}

export const reclaimSpace: Endpoint = defineEndpoint({
  path: "repositories/reclaim_space",
  method: "POST",
  label: "core",
  operationId: "repositories_reclaim_space_reclaim",
  tag: "Repositories: Reclaim_Space",
  title: "Reclaim disk space",
  body: {
    schema: "ReclaimSpace",
    fields: {
      repo_hrefs: list({}, { required: true, check: repositories }),
      repo_versions_keeplist: list({ type: "string", format: "uri" }, { check: versionIds }),
    },
    isLenient: true,
  },
  answers: TASK,
  async run(call, { repo_hrefs, repo_versions_keeplist: kept }) {
    const { ctx, caller } = call;
    const isEvery = repo_hrefs === EVERY;
    const rows = isEvery ? await repositoryRows(call) : (repo_hrefs as readonly RepositoryRow[]);
    const shared = rows.map(({ id, type }) =>
      prn(ctx.plugins.entity("repository", type).model, id),
    );
    const { id } = await dispatch(ctx, {
      task: reclaimSpaceTask,
      input: {
        repositories: isEvery ? EVERY : rows.map((row) => row.id),
        keptVersions: [...((kept ?? []) as readonly string[])],
      },
      caller,
      shared,
      exclusive: rows.length === 0 ? [pdrn(caller.domain.id, "reclaim_space")] : [],
    });
    return { kind: "task", task: id };
  },
});
