import { objectError } from "#base/errors.ts";
import { type Action, type Call, FieldProblem, sql, text } from "#sdk";
import { recursiveRemove, tagImage, untagImage } from "../content-edits/tasks.ts";
import { containerErrors } from "../errors.ts";
import { isTag } from "../format/names.ts";
import { type ImmutableColumns, immutableTagsOf, keepingPattern } from "../tag-rules/immutable.ts";
import {
  dispatchFor,
  latestOf,
  membersWith,
  POST_TO_OBJECT,
  type Row,
} from "./repository-actions.ts";

/** Actions about tags, and about images with them (plugin-container §4): checked first, then tasks. */

const BAD_TAG =
  "The provided tag is not valid. A tag may contain lowercase and uppercase ASCII alphabetic " +
  "characters, digits, underscores, periods, and dashes. A tag must not start with a period or a " +
  "dash. A tag has at most 128 characters.";

const tagName = {
  ...text(
    {
      required: true,
      check: (value: string) => {
        if (!isTag(value)) throw new FieldProblem(BAD_TAG);
        return value;
      },
    },
    { pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$" },
  ),
  accepts: { type: "string" as const },
};

interface NamedManifest {
  /** `content.id`s of the tag and of what it names. */
  readonly id: string;
  readonly manifest: string;
  readonly name: string;
}

/** Tags of the latest version, by their name or by what they name. */
async function tagsIn(
  { ctx, caller }: Call,
  row: Row,
  { column, value }: { readonly column: "name" | "manifest"; readonly value: unknown },
): Promise<readonly NamedManifest[]> {
  const { rows } = await sql<NamedManifest>`
    select t.id, t.manifest, t.name from container_tag t
    join repository r on r.id = ${row.$key}
    join membership m on m.repository = r.num and m.content = t.id and m.removed = 2147483647
    where t.domain = ${caller.domain.num} and ${sql.ref(`t.${column}`)} = ${value}`.execute(ctx.db);
  return rows;
}

/** @throws `ValidationError` if the latest version does not have it. */
async function manifestIn(call: Call, row: Row, digest: string): Promise<string> {
  const latest = await latestOf(call, row);
  const by = { table: "container_manifest", column: "digest", value: digest };
  const [id] = await membersWith(call, latest, by);
  if (id !== undefined) return id;
  throw objectError(
    `A manifest with the digest '${digest}' does not exist in the latest repository version '${latest.name}'`,
  );
}

/** @throws `ValidationError` if a rule keeps one of the tags. */
function refuseKept(row: Row, tags: readonly string[]): void {
  const rule = immutableTagsOf(row as unknown as ImmutableColumns);
  for (const tag of tags) {
    const pattern = keepingPattern(rule, tag);
    if (pattern !== undefined)
      throw objectError(containerErrors.immutableTag(tag, pattern).message);
  }
}

export const tagAction: Action = {
  name: "tag",
  ...POST_TO_OBJECT,
  body: { schema: "TagImage", fields: { tag: tagName, digest: text({ required: true }) } },
  async run(call, { tag, digest }, row) {
    const manifest = await manifestIn(call, row, String(digest));
    const named = await tagsIn(call, row, { column: "name", value: tag });
    if (named.some((each) => each.manifest !== manifest)) refuseKept(row, [String(tag)]);
    return dispatchFor(call, row, { task: tagImage, input: { tag, manifest } });
  },
};

export const untagAction: Action = {
  name: "untag",
  ...POST_TO_OBJECT,
  body: { schema: "UnTagImage", fields: { tag: tagName } },
  async run(call, { tag }, row) {
    const [found] = await tagsIn(call, row, { column: "name", value: tag });
    if (!found) {
      const latest = await latestOf(call, row);
      throw objectError(
        `The tag '${tag}' does not exist in the latest repository version '${latest.name}'`,
      );
    }
    refuseKept(row, [found.name]);
    return dispatchFor(call, row, { task: untagImage, input: { tag: found.id } });
  },
};

export const removeImageAction: Action = {
  name: "remove_image",
  ...POST_TO_OBJECT,
  body: { schema: "RemoveImage", fields: { digest: text({ required: true }) } },
  async run(call, { digest }, row) {
    const manifest = await manifestIn(call, row, String(digest));
    const named = await tagsIn(call, row, { column: "manifest", value: manifest });
    refuseKept(
      row,
      named.map(({ name }) => name),
    );
    const input = { units: [manifest], forced: [manifest] };
    return dispatchFor(call, row, { task: recursiveRemove, input });
  },
};
