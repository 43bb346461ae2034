import { fieldError } from "#base/errors.ts";
import {
  contentResource,
  type Field,
  integer,
  singleArtifactFields,
  sql,
  text,
  textFilters,
} from "#sdk";
import { normalizeName } from "../format/names.ts";
import { checkFilename, ingest } from "../ingest.ts";
import { PACKAGE_TYPES } from "../package-types.ts";
import { attestedProvenance, provenanceRow } from "../provenance.ts";
import { names } from "./names.ts";
import { versionSpecifier } from "./version-specifier.ts";

/** Requests may give them, as the baseline's description says; what the file says counts. */
const plain = (name: string): Field => text({ blank: true, sql: `d.${name}` });
/** Several values, shown as the JSON text that clients compare (plugin-python §2.2). */
const several = (name: string): Field => ({ schema: {}, sql: `d.${name}` });
const fixed = (name: string): Field => text({ readOnly: true, sql: `d.${name}` });

const own = {
  author: plain("author"),
  author_email: plain("author_email"),
  description: plain("description"),
  home_page: plain("home_page"),
  keywords: plain("keywords"),
  license: plain("license"),
  metadata_version: fixed("metadata_version"),
  name: fixed("name"),
  platform: plain("platform"),
  summary: plain("summary"),
  version: fixed("version"),
  classifiers: several("classifiers"),
  download_url: plain("download_url"),
  supported_platform: plain("supported_platform"),
  maintainer: plain("maintainer"),
  maintainer_email: plain("maintainer_email"),
  obsoletes_dist: several("obsoletes_dist"),
  project_url: plain("project_url"),
  project_urls: several("project_urls"),
  provides_dist: several("provides_dist"),
  requires_external: several("requires_external"),
  requires_dist: several("requires_dist"),
  requires_python: plain("requires_python"),
  description_content_type: plain("description_content_type"),
  provides_extras: several("provides_extras"),
  dynamic: several("dynamic"),
  license_expression: plain("license_expression"),
  license_file: several("license_file"),
  filename: fixed("filename"),
  packagetype: fixed("packagetype"),
  python_version: fixed("python_version"),
  size: integer({ readOnly: true, sql: "d.size" }),
  sha256: text({ default: "", sql: "encode(d.sha256, 'hex')" }),
  metadata_sha256: text({ nullable: true, sql: "encode(d.metadata_sha256, 'hex')" }),
} as const;

const input = Object.fromEntries(Object.entries(own).filter(([, { readOnly }]) => !readOnly));

const orderings = Object.fromEntries(Object.keys(own).map((name) => [name, `d.${name}`]));

type Wanted = "one" | "any";

/** One value, or several with commas, of which any may hold. */
const among = (
  wanted: Wanted,
  condition: (values: readonly string[]) => ReturnType<typeof sql>,
) => ({
  schema:
    wanted === "one"
      ? ({ type: "string" } as const)
      : ({ type: "array", items: { type: "string" } } as const),
  ...(wanted === "any" ? { isCsv: true } : {}),
  condition: (value: string) => condition(wanted === "one" ? [value] : value.split(",")),
});

const byName = (wanted: Wanted) =>
  among(wanted, (values) => sql`d.name_normalized = any(${values.map(normalizeName)}::text[])`);

/** Compared as bytes, as the index has them; what is no digest matches nothing. */
const byDigest = (wanted: Wanted) =>
  among(wanted, (values) => {
    const digests = values.filter((value) => /^[0-9a-f]{64}$/i.test(value));
    return sql`d.sha256 = any(${digests.map((value) => Buffer.from(value, "hex"))}::bytea[])`;
  });

const TYPES: readonly string[] = PACKAGE_TYPES;

const byType = {
  schema: { type: "string", enum: TYPES } as const,
  condition: (value: string) => {
    if (!TYPES.includes(value)) {
      const text = `Select a valid choice. ${value} is not one of the available choices.`;
      throw fieldError("packagetype", text);
    }
    return sql`d.packagetype = ${value}`;
  },
};

const EXACT = ["exact", "in", "contains"] as const;

const filters = {
  name: byName("one"),
  name__in: byName("any"),
  ...textFilters("name", "d.name", ["contains"]),
  ...textFilters("author", "d.author", EXACT),
  packagetype: byType,
  ...textFilters("packagetype", "d.packagetype", ["in"]),
  ...textFilters("requires_python", "d.requires_python", EXACT),
  ...textFilters("filename", "d.filename", EXACT),
  ...textFilters("keywords", "d.keywords", ["in", "contains"]),
  sha256: byDigest("one"),
  sha256__in: byDigest("any"),
  ...textFilters("version", "d.version", ["exact", "gt", "lt", "gte", "lte"]),
  version_specifier: versionSpecifier,
};

const MISMATCH = "The uploaded artifact's sha256 checksum does not match the one provided";

/** Files of releases (plugin-python §2). */
export const pythonPackageResource = contentResource({
  ...names("PythonPackageContent", "content/python/packages", "python package content"),
  joins: "left join python_package d on d.domain = e.domain and d.id = e.id",
  mainFile: "ca.relative_path = d.filename",
  fields: {
    ...singleArtifactFields,
    ...own,
    provenance: text({ readOnly: true, mayBeNull: true, sql: "null::text" }),
  },
  filters,
  orderings,
  input: { ...input, attestations: { schema: {}, writeOnly: true } },
  createInput: { relative_path: text({ required: true, writeOnly: true }) },
  minimal: {
    schema: "MinimalPythonPackageContent",
    keys: [
      ...["pulp_href", "prn", "pulp_created", "pulp_last_updated", "pulp_labels", "vuln_report"],
      ...["artifact", "filename", "packagetype", "name", "version", "sha256"],
    ],
  },
  isVersionFirst: true,
  uploadSchema: "PythonPackageContentUpload",
  uploadAnswer: "python.PythonPackageContentResponse",
  async compose({ ctx, caller }, values, { id, sha256, filename: sent }) {
    const filename = values.relative_path ?? sent;
    if (typeof filename !== "string" || filename === "") {
      throw fieldError("file", "A file with a name is required.");
    }
    checkFilename(filename);
    const expected = String(values.sha256 ?? "").toLowerCase();
    if (expected !== "" && expected !== sha256) throw fieldError("sha256", MISMATCH);
    const unit = await ingest(ctx, caller.domain, { artifact: id, filename });
    if (!values.attestations) return unit;
    const subject = { filename: unit.row.filename, sha256 };
    const provenance = await attestedProvenance(ctx, caller, {
      value: values.attestations,
      subject,
    });
    const companion = {
      type: "python.provenance",
      key: "provenance",
      unit: (packageId: string) => ({ row: provenanceRow(packageId, provenance), files: [] }),
    };
    return { ...unit, companions: [companion] };
  },
});
