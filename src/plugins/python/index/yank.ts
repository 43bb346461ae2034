import { Type } from "@sinclair/typebox";
import { prn } from "#base/prn.ts";
import { type Call, createVersion, defineTask, dispatch, saveUnits, sql, text } from "#sdk";
import { pythonYank } from "../content.ts";
import { normalizeName } from "../format/names.ts";
import { pythonRepository } from "../repository.ts";
import { indexErrors } from "./errors.ts";
import { membersAt } from "./index-pages.ts";
import { isMember, membersOf } from "./members.ts";
import type { IndexPlace } from "./place.ts";
import { refuse } from "./refuse.ts";

/** Body of `yank/` and `unyank/`. */
export const yankBody = {
  schema: "Yank",
  fields: {
    name: text({ required: true }),
    version: text({ required: true }),
    yanked_reason: text({ default: "", blank: true }),
  },
};

const RELEASE = {
  name: "python-index-release",
  text: `
select exists (select from python_package p join membership m on ${isMember("m", "p.id")}
  where p.domain = (select $1::int) and p.name_normalized = (select $4::text)
    and p.version = (select $5::text)) as found`,
};

/** A release, by the normalised name of its project. */
interface Release {
  readonly name: string;
  readonly version: string;
}

/** @throws `indexErrors.noRelease` if the index does not have it now. */
async function checkRelease({ ctx }: Call, place: IndexPlace, release: Release): Promise<void> {
  const values = [...membersOf(membersAt(place)), release.name, release.version];
  const [row] = await ctx.hot.query<{ found: boolean }>(RELEASE, values);
  if (row?.found !== true) throw indexErrors.noRelease(release.name, release.version);
}

/** `yank/` and `unyank/`: marks a release in the repository of an index, or lifts the mark (§6.7). */
export async function dispatchYank(
  call: Call,
  index: IndexPlace,
  asked: {
    readonly values: () => Promise<Readonly<Record<string, unknown>>>;
    readonly isYank: boolean;
  },
) {
  // A group is changed in the member that takes its uploads.
  const place = index.target ?? index;
  const { repository } = place;
  if (repository === null) return refuse(call, 400, "Index is not pointing to a repository");
  const values = await asked.values();
  const release = { name: normalizeName(String(values.name)), version: String(values.version) };
  await checkRelease(call, place, release);
  const { ctx, caller } = call;
  const rest = { caller, exclusive: [prn(pythonRepository.model, repository)] };
  const input = { repository, ...release };
  const reason = String(values.yanked_reason ?? "");
  const { id } = asked.isYank
    ? await dispatch(ctx, { ...rest, task: yankRelease, input: { ...input, reason } })
    : await dispatch(ctx, { ...rest, task: unyankRelease, input });
  return { kind: "task", task: id } as const;
}

const release = { repository: Type.String(), name: Type.String(), version: Type.String() };

/** A marker with another reason gives way, one with the same makes no new version. */
export const yankRelease = defineTask({
  name: "pulp_python.app.tasks.yank.yank",
  label: "python",
  input: Type.Object({ ...release, reason: Type.String() }),
  immediate: true,
  async run(job, { repository, name, version, reason }) {
    const { ctx, caller } = job;
    const row = { name_normalized: name, version, yanked_reason: reason };
    const batch = { domain: caller.domain, type: pythonYank, units: [{ row, files: [] }] };
    const saved = await saveUnits(ctx, batch);
    await createVersion(job, repository, { add: saved.map(({ id }) => id), remove: [] });
    return null;
  },
});

export const unyankRelease = defineTask({
  name: "pulp_python.app.tasks.yank.unyank",
  label: "python",
  input: Type.Object(release),
  immediate: true,
  async run(job, { repository, name, version }) {
    const { ctx, caller } = job;
    const { rows } = await sql<{ id: string }>`
      select k.id from python_yank k
      join repository r on r.id = ${repository} and r.domain = ${caller.domain.num}
      join membership m on m.repository = r.num and m.content = k.id and m.removed = 2147483647
      where k.domain = ${caller.domain.num} and k.name_normalized = ${name}
        and k.version = ${version}`.execute(ctx.db);
    await createVersion(job, repository, { add: [], remove: rows.map(({ id }) => id) });
    return null;
  },
});
