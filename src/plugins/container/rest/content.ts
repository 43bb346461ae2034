import {
  boolean,
  booleanFilter,
  contentResource,
  integer,
  NAME,
  relation,
  singleArtifactFields,
  text,
  textFilters,
} from "#sdk";
import { anyOf, mediaTypeFilter, named, unitLinks } from "./content-fields.ts";
import { names } from "./names.ts";
import { visibleContent } from "./visibility.ts";

/** What repositories of images hold; only the registry and syncs make it (plugin-container §2). */

const common = { isReadOnly: true, isLabelled: true, visibility: visibleContent } as const;

/** The planner leaves a left join by the key out of counts that look at no detail. */
const detail = (table: string) => `left join ${table} d on d.domain = e.domain and d.id = e.id`;

const own = (name: string) => text({ required: true, sql: `d.${name}` });
const maybe = (name: string) => text({ mayBeNull: true, sql: `d.${name}` });

/** When somebody last asked for one of the units, in whatever repository; null if nobody was seen. */
const lastPulled = (units: string) =>
  text(
    {
      ...{ readOnly: true, mayBeNull: true },
      sql: `(select max(p.pulled) from container_pull p
        where p.domain = e.domain and p.content in (${units}))`,
    },
    { format: "date-time" },
  );

const DIGEST = ["exact", "in"] as const;
const EXTENDED = [...DIGEST, "contains", "startswith"] as const;

export const tagResource = contentResource({
  ...names("Tag", "content/container/tags", { title: "tag", type: "container.tag" }),
  ...common,
  joins:
    `${detail("container_tag")} ` +
    "left join container_manifest t on t.domain = d.domain and t.id = d.manifest",
  fields: {
    name: own("name"),
    tagged_manifest: relation(
      "tagged_manifest",
      { to: "content", types: ["container.manifest"] },
      { required: true, column: "d.manifest" },
    ),
    last_pulled: lastPulled("e.id, d.manifest"),
  },
  filters: {
    ...textFilters("name", "d.name", NAME),
    media_type: mediaTypeFilter("t.media_type"),
    ...anyOf("digest", "t.digest"),
  },
  orderings: { name: "d.name" },
});

export const blobResource = contentResource({
  ...names("Blob", "content/container/blobs", { title: "blob", type: "container.blob" }),
  ...common,
  joins: detail("container_blob"),
  fields: {
    ...singleArtifactFields,
    artifact: {
      ...singleArtifactFields.artifact,
      schema: { type: "string", format: "uri" },
      required: true,
      nullable: true,
    },
    digest: own("digest"),
    size: integer({ readOnly: true, mayBeNull: true, sql: "d.size" }),
  },
  filters: textFilters("digest", "d.digest", DIGEST),
  orderings: { digest: "d.digest" },
});

/** An index is what one of its children is (plugin-container §2.2). */
const orAnyChild = (column: string) =>
  `(d.${column} or d.type = 'index' and exists (
    select from container_reference r
    join container_manifest c on c.domain = r.domain and c.digest = r.digest
    where r.domain = d.domain and r.manifest = d.id and r.kind = 'child' and c.${column}))`;

export const manifestResource = contentResource({
  ...names("Manifest", "content/container/manifests", {
    title: "manifest",
    type: "container.manifest",
  }),
  ...common,
  joins: detail("container_manifest"),
  fields: {
    digest: own("digest"),
    schema_version: integer({ required: true, sql: "d.schema_version" }),
    media_type: own("media_type"),
    listed_manifests: unitLinks("listed_manifests", "container.manifest", named("child")),
    config_blob: relation(
      "config_blob",
      { to: "content", types: ["container.blob"] },
      { mayBeNull: true, column: `(${named("config")} ->> 0)::uuid` },
    ),
    blobs: unitLinks("blobs", "container.blob", named("layer")),
    annotations: { schema: { type: "object" }, readOnly: true, sql: "d.annotations" },
    labels: { schema: { type: "object" }, readOnly: true, sql: "d.labels" },
    is_bootable: boolean({ default: false, sql: orAnyChild("is_bootable") }),
    is_flatpak: boolean({ default: false, sql: orAnyChild("is_flatpak") }),
    type: maybe("type"),
    architecture: maybe("architecture"),
    os: maybe("os"),
    compressed_image_size: integer({ mayBeNull: true, sql: "d.compressed_image_size" }),
    artifact_type: text({ readOnly: true, mayBeNull: true, sql: "d.artifact_type" }),
    subject: text({ readOnly: true, mayBeNull: true, sql: "d.subject" }),
    size: integer({ readOnly: true, sql: "d.size" }),
    last_pulled: lastPulled("e.id"),
  },
  filters: {
    ...textFilters("digest", "d.digest", DIGEST),
    media_type: mediaTypeFilter("d.media_type"),
    ...booleanFilter("is_bootable", orAnyChild("is_bootable")),
    ...booleanFilter("is_flatpak", orAnyChild("is_flatpak")),
    ...textFilters("type", "d.type", DIGEST),
    ...textFilters("architecture", "d.architecture", DIGEST),
    ...textFilters("os", "d.os", DIGEST),
    ...textFilters("subject", "d.subject", DIGEST),
    ...textFilters("artifact_type", "d.artifact_type", EXTENDED),
  },
  orderings: {
    annotations: "d.annotations",
    architecture: "d.architecture",
    compressed_image_size: "d.compressed_image_size",
    data: "d.body",
    digest: "d.digest",
    is_bootable: "d.is_bootable",
    is_flatpak: "d.is_flatpak",
    labels: "d.labels",
    media_type: "d.media_type",
    os: "d.os",
    schema_version: "d.schema_version",
    type: "d.type",
  },
});

export const signatureResource = contentResource({
  ...names("ManifestSignature", "content/container/signatures", {
    title: "manifest signature",
    type: "container.signature",
  }),
  ...common,
  joins:
    `${detail("container_signature")} ` +
    "left join container_manifest s on s.domain = d.domain and s.id = d.manifest",
  fields: {
    name: own("name"),
    digest: own("digest"),
    type: own("type"),
    key_id: own("key_id"),
    fingerprint: text({ readOnly: true, mayBeNull: true, sql: "d.fingerprint" }),
    timestamp: integer({ required: true, sql: "d.timestamp" }),
    creator: own("creator"),
    signed_manifest: relation(
      "signed_manifest",
      { to: "content", types: ["container.manifest"] },
      { required: true, column: "d.manifest" },
    ),
  },
  filters: {
    ...textFilters("name", "d.name", NAME),
    ...textFilters("digest", "d.digest", DIGEST),
    ...textFilters("key_id", "d.key_id", DIGEST),
    ...anyOf("manifest", "s.digest"),
  },
  orderings: {
    creator: "d.creator",
    data: "d.body",
    digest: "d.digest",
    key_id: "d.key_id",
    name: "d.name",
    timestamp: "d.timestamp",
    type: "d.type",
  },
});
