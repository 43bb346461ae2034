import { objectError, ValidationError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import {
  advisories,
  type Call,
  datetimeFilters,
  defineResource,
  dispatch,
  relation,
  roleActions,
  sql,
  type Values,
} from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { reportErrors } from "./errors.ts";
import { InvalidLockFile, type LockedPackage, lockedPackages } from "./lock-file.ts";
import { ecosystemsOf } from "./queries.ts";
import { reportLockFile, reportVersion } from "./tasks.ts";
import { type ReportedVersion, reportedVersion } from "./version.ts";

const ONE = "Exactly one of 'repo_version' or 'package_json' must be specified.";

/** Lock file that came along with the request; it ends with it. */
interface SentFile {
  readonly file: {
    readonly sizeBytes: number;
    read(start: number, length: number): Promise<Buffer>;
  };
}

const fields: Parameters<typeof defineResource>[0]["fields"] = {
  vulns: { schema: { type: "object" }, readOnly: true },
  repo_version: relation(
    "repo_version",
    { to: "repository_version" },
    { nullable: true, column: "e.version" },
  ),
  package_json: {
    schema: { type: "string", format: "binary" },
    nullable: true,
    writeOnly: true,
  },
};

/** What OSV knows about the packages of a repository version, or of a lock file (service §8.2). */
export const vulnerabilityReports = defineResource({
  path: "vuln_report_service",
  label: "service",
  model: "VulnerabilityReport",
  title: "vulnerability report",
  key: "uuid",
  source: { from: "service_vuln_report e" },
  // Each may be as large as OSV_REPORT_MAX_SIZE allows.
  mostListed: 10,
  fields,
  createBody: {
    schema: "service.VulnerabilityReport",
    ...{ fields, hasFile: true, isFileOptional: true },
  },
  filters: datetimeFilters("pulp_created", "e.created", ["lt", "lte", "gt", "gte", "range"]),
  orderings: { pulp_created: "e.created" },
  operations: {
    list: true,
    read: true,
    create: { mode: "task", run: create },
    delete: {
      mode: "sync",
      async apply({ ctx }, row) {
        await sql`delete from service_vuln_report where id = ${row.$key}`.execute(ctx.db);
      },
    },
  },
  actions: roleActions("service.vulnerabilityreport"),
});

async function create(call: Call, { repo_version: version, package_json: file }: Values) {
  const isVersion = typeof version === "string";
  if (isVersion === (typeof file === "object" && file !== null)) throw objectError(ONE);
  const task = isVersion
    ? await ofVersion(call, version)
    : await ofLockFile(call, file as SentFile);
  return { kind: "task", task } as const;
}

async function ofVersion({ ctx, caller }: Call, id: string): Promise<string> {
  const version = await reportedVersion(ctx, id);
  if (!version) throw reportErrors.gone(id);
  checkLabels(advisories.releaseTypes(ctx, version.type), version);
  const { model } = ctx.plugins.entity("repository", version.type);
  const { id: task } = await dispatch(ctx, {
    task: reportVersion,
    input: { version: id },
    caller,
    shared: [prn(model, version.repositoryId)],
  });
  return task;
}

/** @throws `ValidationError` where labels should say of which product the packages are. */
function checkLabels(
  types: ReturnType<typeof advisories.releaseTypes>,
  version: ReportedVersion,
): void {
  try {
    for (const type of types) ecosystemsOf(type, version);
  } catch (error) {
    if (reportErrors.unlabelled.is(error)) throw objectError(error.message);
    throw error;
  }
}

async function ofLockFile(call: Call, { file }: SentFile): Promise<string> {
  const { ctx, caller } = call;
  const { LOCK_FILE_MAX_SIZE: most } = serviceSettingsOf(ctx);
  if (file.sizeBytes > most) throw invalid(`it is larger than ${most} bytes.`);
  const packages = packagesIn((await file.read(0, file.sizeBytes)).toString("utf8"));
  if (packages.length > ctx.settings.OSV_MAX_RELEASES)
    throw invalid(`it has ${packages.length} dependencies, which is too many.`);
  const input = { packages: packages.map((one) => ({ ...one })) };
  return (await dispatch(ctx, { task: reportLockFile, input, caller })).id;
}

const invalid = (why: string): ValidationError =>
  new ValidationError([`Invalid package-lock.json: ${why}`]);

function packagesIn(text: string): readonly LockedPackage[] {
  try {
    return lockedPackages(JSON.parse(text) as Json);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ValidationError(["Invalid JSON format."]);
    if (error instanceof InvalidLockFile) throw invalid(error.message);
    throw error;
  }
}
