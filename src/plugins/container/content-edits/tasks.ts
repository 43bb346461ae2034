import { Type } from "@sinclair/typebox";
import { createVersion, defineTask, type Job, type Json, sql } from "#sdk";
import { containerTag } from "../content.ts";
import { saveTags } from "../save.ts";
import { manifestsOf, type Source, tagsOf, withNeeds } from "./closure.ts";
import { removalOf } from "./removal.ts";

/** What REST does to the content of repositories, under the names that clients filter on (§4). */

const id = Type.String();
const texts = Type.Union([Type.Array(Type.String()), Type.Null()]);

/** Adds units with all that they need: named ones, or those of another version. */
export const recursiveAdd = defineTask({
  name: "pulp_container.app.tasks.recursive_add.recursive_add_content",
  label: "container",
  input: Type.Object({
    repository: id,
    units: Type.Optional(Type.Array(id)),
    /** `repository_version.id` */
    source: Type.Optional(id),
    tags: Type.Optional(texts),
    digests: Type.Optional(texts),
    mediaTypes: Type.Optional(texts),
  }),
  async run(job, { repository, units = [], ...copy }) {
    const { ctx, caller } = job;
    const domain = caller.domain.num;
    const wanted = copy.source === undefined ? units : await unitsOf(job, copy.source, copy);
    const add = await withNeeds(ctx.db, { domain, units: wanted });
    await createVersion(job, repository, { add, remove: [] });
    return null;
  },
});

interface Copy {
  readonly tags?: readonly string[] | null;
  readonly digests?: readonly string[] | null;
  readonly mediaTypes?: readonly string[] | null;
}

async function unitsOf({ ctx, caller }: Job, version: string, copy: Copy): Promise<string[]> {
  const domain = caller.domain.num;
  const { rows } = await sql<Omit<Source, "domain">>`
    select repository, number from repository_version
    where domain = ${domain} and id = ${version} and complete`.execute(ctx.db);
  const [found] = rows;
  if (!found) throw new Error(`Repository version ${version} does not exist.`);
  const source = { ...found, domain };
  if (copy.tags !== undefined) return tagsOf(ctx.db, source, copy.tags);
  const { digests = null, mediaTypes = null } = copy;
  return manifestsOf(ctx.db, source, { digests, mediaTypes });
}

/**
 * Removes units with all that only they need; `"*"` everything. What was named and has to stay is
 * told in the result.
 */
export const recursiveRemove = defineTask({
  name: "pulp_container.app.tasks.recursive_remove.recursive_remove_content",
  label: "container",
  input: Type.Object({
    repository: id,
    units: Type.Union([Type.Array(id), Type.Literal("*")]),
    /** Manifests among the units that go although an index needs them. */
    forced: Type.Optional(Type.Array(id)),
  }),
  async run(job, { repository, units, forced = [] }): Promise<Json> {
    const domain = job.caller.domain.num;
    let kept: readonly string[] = [];
    await createVersion(job, repository, async (trx, { num }) => {
      if (units === "*") return { add: [], remove: "*" };
      const going = await removalOf(trx, { domain, repository: num }, { units, forced });
      kept = going.kept;
      return { add: [], remove: going.remove };
    });
    return kept.length === 0 ? null : { kept };
  },
});

/** Gives a manifest of the repository a name. */
export const tagImage = defineTask({
  name: "pulp_container.app.tasks.tag.tag_image",
  label: "container",
  input: Type.Object({ repository: id, tag: Type.String(), manifest: id }),
  async run(job, { repository, tag: name, manifest }) {
    const { ctx, caller } = job;
    const [tag] = await saveTags(ctx, caller.domain, { tags: [{ name, manifest }] });
    if (!tag) throw new Error(`Tag ${name} was not saved.`);
    if (tag.isNew) {
      const { model, path } = containerTag;
      await job.created({ model, object: tag.id, path: `${path}/${tag.id}/` });
    }
    await createVersion(job, repository, { add: [tag.id], remove: [] });
    return null;
  },
});

/** Takes a name off; the manifest stays. */
export const untagImage = defineTask({
  name: "pulp_container.app.tasks.untag.untag_image",
  label: "container",
  input: Type.Object({ repository: id, tag: id }),
  async run(job, { repository, tag }) {
    await createVersion(job, repository, { add: [], remove: [tag] });
    return null;
  },
});

/** Makes an ordinary repository of one of old clients; everything of it stays (§4.7). */
export const migratePushRepository = defineTask({
  name: "pulp_container.app.tasks.migrate_push_repository.migrate_push_repository",
  label: "container",
  input: Type.Object({ repository: id }),
  async run(job, { repository }) {
    const { ctx, caller } = job;
    await ctx.db.transaction().execute(async (trx) => {
      await sql`
        update repository set type = 'container.container', updated = clock_timestamp()
        where domain = ${caller.domain.num} and id = ${repository}
          and type = 'container.container-push'`.execute(trx);
      await sql`
        update role_assignment set kind = k.num from object_kind k
        where k.name = 'container.containerrepository' and object = ${repository}`.execute(trx);
      const { model, path } = ctx.plugins.entity("repository", "container.container");
      await job.created({ model, object: repository, path: `${path}/${repository}/` }, trx);
    });
    return null;
  },
});
