import { type RepositoryType, sql } from "#sdk";
import {
  type ImmutableColumns,
  immutableTagsOf,
  refuseChangedTags,
} from "./tag-rules/immutable.ts";

const contentTypes = [
  "container.blob",
  "container.manifest",
  "container.tag",
  "container.signature",
] as const;

/**
 * What a version has is no longer pending (plugin-container §10.2). One statement says, too, whether
 * there are tags to look after.
 */
const finalizeAdditions: NonNullable<RepositoryType["finalizeAdditions"]> = async (trx, drafts) => {
  const { rows } = await sql<ImmutableColumns & { readonly id: string }>`
    with draft as (
      select * from unnest(${drafts.map(({ repository }) => repository.id)}::uuid[],
        ${drafts.map(({ repository }) => repository.num)}::int[],
        ${drafts.map(({ n }) => n)}::int[]) as d (id, num, n)
    ), settled as (
      delete from container_pending p using draft d
        join membership m on m.repository = d.num and m.added = d.n
      where p.repository = d.id and p.content = m.content)
    select id, immutable_tags, immutable_tags_except from container_repository
    where id in (select id from draft) and immutable_tags <> '[]'`.execute(trx);
  const rules = new Map(rows.map((row) => [row.id, row]));
  for (const draft of drafts) {
    const rule = rules.get(draft.repository.id);
    if (rule) await refuseChangedTags(trx, draft, immutableTagsOf(rule));
  }
};

const finalizing: Pick<RepositoryType, "finalizeVersion" | "finalizeAdditions"> = {
  finalizeVersion: (trx, draft) => finalizeAdditions(trx, [draft]),
  finalizeAdditions,
};

export const containerRepository: RepositoryType = {
  family: "repository",
  type: "container.container",
  model: "container.ContainerRepository",
  path: "repositories/container/container",
  contentTypes,
  servesPublications: false,
  ...finalizing,
};

/** Of old clients: a push makes an ordinary repository now (plugin-container §0). */
export const containerPushRepository: RepositoryType = {
  family: "repository",
  type: "container.container-push",
  model: "container.ContainerPushRepository",
  path: "repositories/container/container-push",
  contentTypes,
  servesPublications: false,
  ...finalizing,
};
