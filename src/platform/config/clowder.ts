import { readFileSync } from "node:fs";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { describeSchema } from "./describe.ts";
import { FileError } from "./files.ts";
import { isTree, type Tree } from "./merge.ts";

const text = Type.String({ minLength: 1 });
const port = Type.Integer({ minimum: 1, maximum: 65_535 });
const optional = Type.Optional;

const mode = Type.Union(
  ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"].map((name) =>
    Type.Literal(name),
  ),
);

const bucket = Type.Object({
  name: text,
  accessKey: optional(text),
  secretKey: optional(text),
  region: optional(text),
});

/** What is read of the file; the rest of it is for other programs. */
const clowderFile = Type.Object({
  database: optional(
    Type.Object({
      ...{ hostname: text, port, name: text, username: text, password: Type.String() },
      sslMode: optional(mode),
      rdsCa: optional(Type.String()),
    }),
  ),
  inMemoryDb: optional(
    Type.Object({
      ...{ hostname: text, port },
      username: optional(text),
      password: optional(text),
      sslMode: optional(Type.Union([Type.Boolean(), Type.String()])),
    }),
  ),
  objectStore: optional(
    Type.Object({
      ...{ hostname: text, port, tls: optional(Type.Boolean()) },
      accessKey: optional(text),
      secretKey: optional(text),
      buckets: optional(Type.Array(bucket)),
    }),
  ),
  metadata: optional(Type.Object({ envName: optional(text) })),
});

type ClowderFile = Static<typeof clowderFile>;

export interface ClowderConfig {
  /** Settings that say where the database, the Redis and the bucket are. */
  readonly values: Tree;
  readonly environmentName: string | undefined;
}

/**
 * Reads what Clowder tells a program about the services that it runs for it (service §21).
 *
 * @returns undefined if there is no such file
 * @throws `FileError` with the file and the place; no value is shown, since many are secrets
 */
export function readClowderFile(file: string): ClowderConfig | undefined {
  const told = parsed(file);
  if (told === undefined) return undefined;
  const { database, inMemoryDb, objectStore, metadata } = told;
  return {
    values: {
      ...(database ? { DATABASES: { default: databaseOf(database) } } : {}),
      ...(inMemoryDb ? redisOf(inMemoryDb) : {}),
      ...storesOf(objectStore),
    },
    environmentName: metadata?.envName,
  };
}

function parsed(file: string): ClowderFile | undefined {
  const content = textOf(file);
  if (content === undefined) return undefined;
  let told: unknown;
  try {
    told = withoutNulls(JSON.parse(content));
  } catch {
    // The parser's message quotes the file, which holds passwords.
    throw new FileError(`The file ${file} of ACG_CONFIG is no JSON.`);
  }
  if (Value.Check(clowderFile, told)) return told;
  const error = Value.Errors(clowderFile, told).First();
  const place = (error?.path ?? "").split("/").slice(1).join(".") || "it";
  const wanted = describeSchema(error?.schema ?? clowderFile);
  throw new FileError(`The file ${file} of ACG_CONFIG cannot be used: ${place} must be ${wanted}.`);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FileError(
      `The file ${file} of ACG_CONFIG cannot be read: ${(error as Error).message}.`,
    );
  }
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isTree(value)) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(entries.map(([name, item]) => [name, withoutNulls(item)]));
}

function databaseOf(told: NonNullable<ClowderFile["database"]>): Tree {
  const { name, username, password, hostname, sslMode, rdsCa } = told;
  const authority = rdsCa?.trim() ? { sslrootcert: rdsCa } : {};
  const wanted = sslMode && sslMode !== "disable";
  return {
    ...{ NAME: name, USER: username, PASSWORD: password, HOST: hostname, PORT: told.port },
    ...(wanted
      ? { OPTIONS: { sslmode: sslModeOf(sslMode, Boolean(rdsCa?.trim())), ...authority } }
      : {}),
  };
}

/**
 * The names are those of libpq, where only the last two check a server for which no authority is
 * named. Connections that may or may not be encrypted do not exist here: they are encrypted.
 */
function sslModeOf(name: string, hasAuthority: boolean): string {
  if (hasAuthority || name.startsWith("verify-")) {
    return name.startsWith("verify-") ? name : "require";
  }
  return "no-verify";
}

const redisOf = (told: NonNullable<ClowderFile["inMemoryDb"]>): Tree => ({
  REDIS_HOST: told.hostname,
  REDIS_PORT: told.port,
  REDIS_USERNAME: told.username ?? null,
  REDIS_PASSWORD: told.password ?? null,
  REDIS_SSL: ![undefined, false, "", "disable", "false"].includes(told.sslMode),
});

/** The first bucket is the store of the domain `default`. */
function storesOf(told: ClowderFile["objectStore"]): Tree {
  const [first] = told?.buckets ?? [];
  if (!told || !first) return {};
  const { name, region, accessKey = told.accessKey, secretKey = told.secretKey } = first;
  const options = {
    bucket_name: name,
    ...(accessKey ? { access_key: accessKey } : {}),
    ...(secretKey ? { secret_key: secretKey } : {}),
    ...(region ? { region_name: region } : {}),
    endpoint_url: `${told.tls ? "https" : "http"}://${told.hostname}:${told.port}`,
    addressing_style: "path",
  };
  return { STORAGES: { default: { BACKEND: S3, OPTIONS: options } } };
}

const S3 = "storages.backends.s3.S3Storage";
