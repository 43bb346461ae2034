import type { Ctx, Executor } from "../ctx.ts";
import type { Admission, Job, Refusal } from "../plugin-contract.ts";

/** Longest text about refused units in a progress report. */
const MAX_TEXT = 4000;

/** The units of an edit that its repository takes, and those that it does not. */
export interface Admitted {
  readonly add: readonly string[];
  readonly refused: readonly Refusal[];
}

/** @throws what the repository's type says about an edit that it refuses as a whole. */
export async function admit(
  { plugins }: Pick<Ctx, "plugins">,
  db: Executor,
  admission: Admission,
): Promise<Admitted> {
  const { add, repository } = admission;
  const type = plugins.repositoryType(repository.type);
  if (!type.admit || add.length === 0) return { add, refused: [] };
  const refused = await type.admit(db, admission);
  if (refused.length === 0) return { add, refused };
  const ids = new Set(refused.map(({ id }) => id));
  return { add: add.filter((id) => !ids.has(id)), refused };
}

/** Tells in a progress report what was left out. */
export async function reportRefused(job: Job, refused: readonly Refusal[]): Promise<void> {
  if (refused.length === 0) return;
  const list = refused.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  await using report = job.progress({
    code: "repository.rejected",
    message: "Rejected Content",
    total: refused.length,
    suffix: list.length > MAX_TEXT ? `${list.slice(0, MAX_TEXT)}\u2026` : list,
  });
  report.add(refused.length);
  await report.finish();
}
