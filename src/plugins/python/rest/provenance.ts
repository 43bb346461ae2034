import { objectError, ValidationError } from "#base/errors.ts";
import {
  boolean,
  type Ctx,
  contentResource,
  type DomainRef,
  openArtifact,
  relation,
  sql,
  text,
  textFilters,
} from "#sdk";
import { InvalidAttestation, type Provenance, parseProvenance } from "../attestations.ts";
import { provenanceRow } from "../provenance.ts";
import { type Subject, VerificationFailure, verifyProvenance } from "../verify-attestations.ts";
import { names } from "./names.ts";

/** Attestations of a release are kilobytes. */
const MAX_BYTES = 8 * 1024 * 1024;

const ID = /^\S*?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/?$/i;

/** Ids of the packages that a filter names by href or PRN. */
function packageIds(values: readonly string[]): readonly string[] {
  return values.map((value) => {
    const [, id] = ID.exec(value) ?? [];
    if (id === undefined)
      throw new ValidationError({ package: [`URI couldn't be resolved: ${value}`] });
    return id;
  });
}

const byPackage = {
  schema: { type: "string", format: "uri" } as const,
  condition: (value: string) => sql`d.package = any(${packageIds([value])}::uuid[])`,
};

const byPackages = {
  schema: { type: "array", items: { type: "string" } } as const,
  isCsv: true,
  condition: (value: string) => sql`d.package = any(${packageIds(value.split(","))}::uuid[])`,
};

const packageField = relation(
  "package",
  { to: "content", types: ["python.python"] },
  { required: true, column: "d.package" },
);

/** Who made a package, signed (plugin-python §3). */
export const pythonProvenanceResource = contentResource({
  ...names(
    "PackageProvenance",
    "content/python/provenance",
    "package provenance",
    "python.provenance",
  ),
  joins: "left join python_provenance d on d.domain = e.domain and d.id = e.id",
  fields: {
    package: packageField,
    provenance: { schema: {}, readOnly: true, sql: "d.provenance" },
    sha256: text({ readOnly: true, sql: "encode(d.sha256, 'hex')" }),
  },
  filters: {
    package: byPackage,
    package__in: byPackages,
    ...textFilters("sha256", "encode(d.sha256, 'hex')", ["exact", "in"]),
  },
  orderings: null,
  sources: ["file", "upload", "file_url"],
  input: { package: packageField, verify: boolean({ writeOnly: true, default: true }) },
  minimal: {
    schema: "MinimalPackageProvenance",
    keys: [
      ...["pulp_href", "prn", "pulp_created", "pulp_last_updated", "pulp_labels", "vuln_report"],
      ...["package", "sha256"],
    ],
  },
  isVersionFirst: true,
  async compose({ ctx, caller: { domain } }, values, { id }) {
    const provenance = await readProvenance(ctx, domain, id);
    const packageId = String(values.package);
    const subject = await subjectOf(ctx, domain, packageId);
    if (values.verify !== false) await verified(ctx, provenance, subject);
    return { row: provenanceRow(packageId, provenance), files: [] };
  },
});

async function readProvenance(ctx: Ctx, domain: DomainRef, artifact: string): Promise<Provenance> {
  await using stored = await openArtifact(ctx, domain, artifact);
  const { file } = stored;
  try {
    if (file.sizeBytes > MAX_BYTES)
      throw new InvalidAttestation(`it is larger than ${MAX_BYTES} bytes`);
    return parseProvenance((await file.read(0, file.sizeBytes)).toString("utf8"));
  } catch (error) {
    if (error instanceof InvalidAttestation)
      throw objectError(`The uploaded provenance is not valid: ${error.message}`);
    throw error;
  }
}

async function verified(ctx: Ctx, provenance: Provenance, subject: Subject): Promise<void> {
  try {
    await verifyProvenance(ctx, provenance, subject);
  } catch (error) {
    if (error instanceof VerificationFailure)
      throw objectError(`Provenance verification failed: ${error.message}`);
    throw error;
  }
}

async function subjectOf(ctx: Ctx, domain: DomainRef, id: string): Promise<Subject> {
  const { rows } = await sql<Subject>`
    select filename, encode(sha256, 'hex') as sha256 from python_package
    where domain = ${domain.num} and id = ${id}`.execute(ctx.db);
  const [found] = rows;
  if (!found) throw objectError("The package was removed meanwhile.");
  return found;
}
