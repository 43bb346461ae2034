import { sql } from "kysely";
import { ALGORITHMS, type Algorithm, type Digests, isHexDigest } from "#base/digests.ts";
import { createArtifact, deleteArtifact, type ReceivedFile } from "#core/artifacts/commands.ts";
import { objectName } from "#core/artifacts/queries.ts";
import { file, integer, text } from "../kit/fields.ts";
import type { Filter, Filters } from "../kit/filters/filter.ts";
import { keyOf } from "../kit/present.ts";
import { defineResource, type Field, type Fields, type Values } from "../kit/resource.ts";
import { orphanedFor } from "./families/content.ts";
import { versionOf } from "./families/version-reference.ts";

/** Only sha256 lies with the artifact; the other digests are beside it. */
const digestColumn = (name: Algorithm): string => (name === "sha256" ? "e.sha256" : `d.${name}`);

const digestFields: Fields = Object.fromEntries(
  ALGORITHMS.map((name): [string, Field] => [
    name,
    text({ nullable: true, sql: `encode(${digestColumn(name)}, 'hex')` }),
  ]),
);

/** By a digest in hex of any case; a text that is no digest matches nothing. */
const digestFilters: Filters = Object.fromEntries(
  ALGORITHMS.map((name): [string, Filter] => [
    name,
    {
      schema: { type: "string" },
      condition: (value) => {
        const hex = value.trim().toLowerCase();
        if (!isHexDigest(name, hex)) return sql`false`;
        return sql`${sql.raw(digestColumn(name))} = ${Buffer.from(hex, "hex")}`;
      },
    },
  ]),
);

/** Artifacts of the units of a version. */
const inVersion: Filter = {
  schema: { type: "string" },
  takesEmpty: true,
  condition: async (value, run) => {
    const { repository, number } = await versionOf(value, run);
    return sql`exists (select from content_artifact c
      join membership m on m.domain = c.domain and m.content = c.content
      where c.domain = e.domain and c.artifact = e.id and m.repository = ${repository}
        and m.added <= ${number} and m.removed > ${number})`;
  },
};

/** What the client says about the file; an absent or null digest says nothing. */
function givenDigests(values: Values): Digests {
  const given = ALGORITHMS.flatMap((name) => {
    const digest = values[name];
    return typeof digest === "string" ? [[name, digest.toLowerCase()] as const] : [];
  });
  return Object.fromEntries(given);
}

const fields: Fields = {
  file: {
    ...file({ required: true }),
    answer: { type: "string" },
    columns: {
      $sha256: "encode(e.sha256, 'hex')",
      $domain:
        "(select jsonb_build_object('id', x.id, 'name', x.name) from domain x where x.num = e.domain)",
    },
    read: (row) => String(row.file ?? objectName(row.$domain as DomainName, String(row.$sha256))),
  },
  size: integer(),
  ...digestFields,
};

type DomainName = Parameters<typeof objectName>[0];

export const artifact = defineResource({
  path: "artifacts",
  label: "core",
  model: "Artifact",
  title: "artifact",
  key: "uuid",
  source: {
    from: "artifact e left join artifact_digest d on d.domain = e.domain and d.artifact = e.id",
  },
  fields,
  filters: {
    ...digestFilters,
    repository_version: inVersion,
    orphaned_for: orphanedFor(
      "exists (select from content_artifact c where c.domain = e.domain and c.artifact = e.id)",
    ),
  },
  orderings: {
    file: "coalesce(e.file, encode(e.sha256, 'hex'))",
    md5: "d.md5",
    pulp_created: "e.created",
    pulp_id: "e.id",
    pulp_last_updated: "e.updated",
    sha1: "d.sha1",
    sha224: "d.sha224",
    sha256: "e.sha256",
    sha384: "d.sha384",
    sha512: "d.sha512",
    size: "e.size",
    timestamp_of_interest: "e.touched",
  },
  createBody: { schema: "Artifact", fields, hasFile: true },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      async apply({ ctx, caller }, values) {
        const received = values.file as ReceivedFile;
        const saved = await createArtifact(ctx, caller.domain, received, {
          digests: givenDigests(values),
          ...(typeof values.size === "number" ? { sizeBytes: values.size } : {}),
        });
        return saved.id;
      },
    },
    delete: {
      mode: "sync",
      apply: ({ ctx, caller }, row) => deleteArtifact(ctx, caller.domain, String(keyOf(row))),
    },
  },
});
