import { once } from "node:events";
import { fieldError, objectError } from "#base/errors.ts";
import { isRelativePath } from "#base/paths.ts";
import { type Ctx, type DomainRef, openArtifact, saveArtifacts, sql } from "#sdk";
import { readDistribution } from "./format/archive/read-distribution.ts";
import { extensionText, packageTypeOf, parseFilename } from "./format/filename.ts";
import { Malformed } from "./format/malformed.ts";
import { isValidName, normalizeName } from "./format/names.ts";

/** A stored file of a release. */
export interface PackageFile {
  /** `artifact.id` */
  readonly artifact: string;
  /** Its name, without folders. */
  readonly filename: string;
}

/** A unit of `python.python` that is about to be saved. */
export interface PackageUnit {
  /** Columns of `python_package` without `id` and `domain`. */
  readonly row: Readonly<Record<string, unknown>> & {
    readonly filename: string;
    readonly name: string;
    readonly version: string;
    readonly sha256: Buffer;
  };
  /** The file, and the metadata of a wheel beside it. */
  readonly files: readonly { readonly relativePath: string; readonly artifact: string }[];
}

/**
 * Makes the unit of a stored file (plugin-python §2.4, §2.5): reads what the file says of itself; the
 * metadata of a wheel become an artifact too, at the file's name with `.metadata` (PEP 658). The
 * same bytes keep the name under which the domain has them.
 *
 * @throws `ValidationError` with what is wrong with the file or its name; at most the artifact of the
 *   metadata was saved then.
 */
export async function ingest(
  ctx: Ctx,
  domain: DomainRef,
  { artifact, filename }: PackageFile,
): Promise<PackageUnit> {
  checkFilename(filename);
  await using stored = await openArtifact(ctx, domain, artifact);
  const sha256 = Buffer.from(stored.sha256, "hex");
  const known = (await knownFilename(ctx, domain, sha256)) ?? filename;
  const told = await readUnit({ source: stored.file, sha256, filename: known });
  const { metadataBytes } = told;
  const companion = metadataBytes && (await saveBytes(ctx, domain, metadataBytes));
  return unitOf(told, artifact, companion);
}

/** A file of a release that has come and is not stored. */
export interface NewPackageFile {
  readonly file: Parameters<typeof saveArtifacts>[2][number];
  readonly filename: string;
}

/**
 * Reads a file that is not stored; nothing is saved yet, so that one that is wrong leaves nothing. It
 * has its own name, whatever the domain calls bytes that it knows.
 *
 * @throws `ValidationError` with what is wrong with the file or its name.
 */
export async function readNew({ file, filename }: NewPackageFile) {
  checkFilename(filename);
  const { sizeBytes, digests } = file.sealed;
  const told = await readUnit({
    source: { sizeBytes, read: (start, length) => file.file.read(start, length) },
    sha256: Buffer.from(digests.sha256, "hex"),
    filename,
  });
  return { ...told, file };
}

/** The same of a file that the domain may know under another name, which it keeps. */
export async function readPerhapsKnown(
  ctx: Ctx,
  domain: DomainRef,
  { file, filename }: NewPackageFile,
) {
  checkFilename(filename);
  const sha256 = Buffer.from(file.sealed.digests.sha256, "hex");
  return readNew({ file, filename: (await knownFilename(ctx, domain, sha256)) ?? filename });
}

/** A file that was read, and what it says of itself. */
export type ReadPackage = Awaited<ReturnType<typeof readNew>>;

/** Stores a file that was read, and its metadata with it. */
export async function storeNew(
  ctx: Ctx,
  domain: DomainRef,
  { file, ...told }: ReadPackage,
): Promise<PackageUnit> {
  const { metadataBytes } = told;
  await using companion = metadataBytes && (await incoming(ctx, domain, metadataBytes));
  const [main, beside] = await saveArtifacts(ctx, domain, companion ? [file, companion] : [file]);
  if (main === undefined) throw new Error("An uploaded file was not saved.");
  return unitOf(told, main.id, beside);
}

interface Asked {
  readonly source: Parameters<typeof readDistribution>[0];
  readonly sha256: Buffer;
  readonly filename: string;
}

async function readUnit({ source, sha256, filename }: Asked) {
  const { metadata, metadataBytes } = await read(source, filename);
  const row = { ...described(filename, metadata), sha256, size: source.sizeBytes };
  return { row, metadataBytes };
}

export function unitOf(
  { row }: Pick<ReadPackage, "row">,
  artifact: string,
  companion: { readonly id: string; readonly sha256: string } | undefined,
): PackageUnit {
  const main = { relativePath: row.filename, artifact };
  return {
    row: {
      ...row,
      metadata_sha256: companion ? Buffer.from(companion.sha256, "hex") : null,
    },
    files: companion
      ? [main, { relativePath: metadataPath(row.filename), artifact: companion.id }]
      : [main],
  };
}

/** Where the metadata of a wheel lie (PEP 658). */
export const metadataPath = (filename: string): string => `${filename}.metadata`;

/**
 * A name that can lie at the root of an index, and whose suffix is known.
 *
 * @throws `ValidationError`
 */
export function checkFilename(filename: string): void {
  const type = packageTypeOf(filename);
  if (type === undefined) throw objectError(extensionText(filename));
  if (filename.includes("/") || !isRelativePath(filename)) {
    throw fieldError("relative_path", `'${filename}' must be a file name without folders.`);
  }
  // No installer would look at it.
  if (type === "bdist_wheel" && parseFilename(filename) === undefined) {
    throw objectError(`${filename} is not a valid name of a wheel.`);
  }
}

/** The name of the unit that has these bytes already. */
async function knownFilename(
  { db }: Ctx,
  domain: DomainRef,
  sha256: Buffer,
): Promise<string | undefined> {
  const { rows } = await sql<{ filename: string }>`
    select filename from python_package where domain = ${domain.num} and sha256 = ${sha256}`.execute(
    db,
  );
  return rows[0]?.filename;
}

async function read(...[source, filename]: Parameters<typeof readDistribution>) {
  try {
    return await readDistribution(source, filename);
  } catch (error) {
    if (error instanceof Malformed) throw objectError(`${filename}: ${error.message}`);
    throw error;
  }
}

type Metadata = Awaited<ReturnType<typeof readDistribution>>["metadata"];

/**
 * What a file says of itself, completed by what its name says.
 *
 * @throws `ValidationError` if it has no name or version.
 */
export function described(filename: string, metadata: Metadata) {
  const told = parseFilename(filename);
  const packagetype = packageTypeOf(filename) ?? "sdist";
  const texts = Object.entries(metadata).map(([name, value]) => [name, storable(value)] as const);
  const name = storable(metadata.name) || (told?.name ?? "");
  const version = storable(metadata.version) || (told?.version ?? "");
  if (!isValidName(name)) throw objectError(`${filename}: '${name}' cannot name a project.`);
  if (version === "")
    throw objectError(`${filename}: neither its metadata nor its name have a version.`);
  return {
    ...(Object.fromEntries(texts) as Metadata),
    name,
    version,
    name_normalized: normalizeName(name),
    filename,
    packagetype,
    python_version: packagetype === "sdist" ? "source" : (told?.pythonVersion ?? ""),
  };
}

/** Text as the database takes it. */
const storable = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD");

/** Makes bytes in memory an artifact. */
export async function saveBytes(
  ctx: Ctx,
  domain: DomainRef,
  bytes: Buffer,
): Promise<{ readonly id: string; readonly sha256: string }> {
  await using file = await incoming(ctx, domain, bytes);
  const [saved] = await saveArtifacts(ctx, domain, [file]);
  if (saved === undefined) throw new Error("Saving bytes gave no artifact.");
  return saved;
}

/** Bytes in memory as a file that may be saved. */
export async function incoming(ctx: Ctx, domain: DomainRef, bytes: Buffer) {
  const file = await ctx.storage(domain).beginFile();
  try {
    if (!file.sink.write(bytes)) await once(file.sink, "drain");
    const sealed = await file.seal();
    return { file, sealed, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}
