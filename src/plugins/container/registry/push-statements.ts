import { PREPARE } from "#base/prepare.ts";
import { type Ctx, type DomainRef, flights, growth, sql } from "#sdk";
import { PUSH_TASK } from "../commit.ts";
import { referenceInsert } from "../save.ts";
import type { Batch, Growth, NewPush } from "./pushed.ts";

/** The flight that writes a batch. */
export function pushStatements(ctx: Ctx, domain: DomainRef, batch: Batch) {
  const { pushes, manifests, tags, growths, pending } = batch;
  const done = doneBy(ctx, batch);
  const tasks = done.length > 0 ? flights.doneTasks({ name: PUSH_TASK, done }) : undefined;
  const before = [
    growth.lock(domain, growths),
    ...manifests.statements,
    ...referencesOf(domain, pushes),
    ...tags.statements,
    growth.moveMembers(domain, growths),
    settled(growths, pending),
  ];
  const entries = pushes.map(({ push }) => push.entry);
  const after = [
    ...(tasks ? [tasks.statement] : []),
    ...(pushes[0]?.push.tools.recording(entries) ?? []),
  ];
  return {
    statements: [...before, growth.publish(domain, growths), ...after],
    /** Which of them tells the distributions to announce. */
    told: before.length,
    done: tasks && { name: PUSH_TASK, done, ids: tasks.ids },
  };
}

/** Of equal manifests one is new. */
function referencesOf(domain: DomainRef, pushes: readonly NewPush[]) {
  const facts = new Map(pushes.map(({ manifest: id, push }) => [id, { id, facts: push.facts }]));
  const naming = [...facts.values()].filter(({ facts: { references } }) => references.length > 0);
  return naming.length > 0 ? [referenceInsert(domain, naming)] : [];
}

/**
 * What a version has is no longer pending (plugin-container §10.2). Where tags must not move it fails:
 * then each push is looked at by itself. So it does if a part is not pending any more.
 *
 * @param pending how many parts are
 */
const settled = (growths: readonly Growth[], pending: number) => {
  const repositories = growths.map(({ repository }) => repository.id);
  const units = growths.flatMap(({ repository, add }) =>
    add.map(({ id }) => ({ repository: repository.id, id })),
  );
  return sql`${sql.raw(PREPARE)}
    with settled as (
      delete from container_pending p
      using unnest(${units.map(({ repository }) => repository)}::uuid[],
        ${units.map(({ id }) => id)}::uuid[]) as u (repository, content)
      where p.repository = u.repository and p.content = u.content
      returning p.content),
    ruled as materialized (
      select r.id from unnest(${repositories}::uuid[]) as k (id)
      cross join lateral (select id from container_repository
        where id = k.id and immutable_tags <> '[]' offset 0) r)
    select ${flights.checked(sql<boolean>`not exists (select from ruled)
      and (select count(*) from settled) = ${pending}::int`)}`;
};

/** The task of each push whose version is shown. */
function doneBy(ctx: Ctx, { pushes, growths }: Batch) {
  const created = new Map(
    growths.map((one) => [one.repository.id, growth.createdBy(ctx, one)] as const),
  );
  return pushes.flatMap(({ push: { caller, repository } }) => {
    const of = created.get(repository);
    return of ? [{ caller, created: [of] }] : [];
  });
}
