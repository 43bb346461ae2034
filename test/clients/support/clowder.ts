import { chown, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import pg from "pg";
import { startEmbedded } from "#platform/db/embedded.ts";
import { createIdentity } from "../../support/certificates.ts";
import { freePort } from "../../support/server.ts";
import { startRedis } from "./redis.ts";
import { type S3Server, startS3 } from "./s3-server.ts";

const PASSWORD = "@int 5: a password that looks like a cast";
const REDIS_PASSWORD = "redis secret";

const HBA = `host all postgres 127.0.0.1/32 trust
hostssl all pulp 127.0.0.1/32 scram-sha-256
`;

/** A PostgreSQL that lets `pulp` in with its password over TLS only. */
async function startTlsDatabase(t: TestContext, folder: string) {
  const authority = createIdentity("Database CA");
  const { cert, key } = createIdentity("db", { issuer: authority, names: ["localhost"] });
  const port = await freePort();
  const database = await startEmbedded({ folder, port, settings: { fsync: "off" } });
  const client = new pg.Client({ connectionString: database.url("postgres") });
  await client.connect();
  t.after(async () => {
    await client.end();
    await database.stop();
  });
  const data = join(folder, "data");
  const { uid, gid } = await stat(data);
  const files = { "server.crt": cert, "server.key": key, "pg_hba.conf": HBA };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(data, name), text, { mode: 0o600 });
    await chown(join(data, name), uid, gid);
  }
  await client.query(`create role pulp login password '${PASSWORD}'`);
  await client.query("create database pulp owner pulp");
  await client.query("alter system set ssl = on");
  await client.query("select pg_reload_conf()");
  return { port, authority, client };
}

/** What Clowder would write for these services; the names of the bucket and its request differ. */
export async function clowderFile(
  folder: string,
  services: { port: number; ca: string; redisUrl: string; s3: S3Server },
): Promise<{ readonly file: string; readonly bucket: string }> {
  const { bucket_name: bucket = "", access_key, secret_key } = await services.s3.bucket();
  const redis = new URL(services.redisUrl);
  const store = new URL(services.s3.url);
  const file = join(folder, "cdappconfig.json");
  const told = {
    logging: { type: "null" },
    ...{ metricsPort: 9000, metricsPath: "/metrics", publicPort: 8000, privatePort: 10_000 },
    metadata: { name: "pulp", envName: "env-test" },
    database: {
      ...{ hostname: "localhost", port: services.port, name: "pulp", username: "pulp" },
      ...{ password: PASSWORD, adminUsername: "postgres", adminPassword: "unused" },
      ...{ sslMode: "verify-full", rdsCa: services.ca },
    },
    inMemoryDb: {
      ...{ hostname: redis.hostname, port: Number(redis.port) },
      ...{ username: "deckle", password: REDIS_PASSWORD },
    },
    objectStore: {
      ...{ hostname: store.hostname, port: Number(store.port), tls: false },
      buckets: [
        {
          ...{ name: bucket, requestedName: "pulp-default-domain-s3", region: "us-east-1" },
          ...{ accessKey: access_key, secretKey: secret_key },
        },
      ],
    },
  };
  await writeFile(file, JSON.stringify(told));
  return { file, bucket };
}

/** A database, a Redis and a store that want their passwords. */
export async function startServices(t: TestContext, folder: string) {
  const { port, authority, client } = await startTlsDatabase(t, join(folder, "pg"));
  const redis = await startRedis();
  t.after(() => redis[Symbol.asyncDispose]());
  const rights = ["~*", "&*", "+@all"];
  await redis.client.send("ACL", "SETUSER", "deckle", "on", `>${REDIS_PASSWORD}`, ...rights);
  await redis.client.send("CONFIG", "SET", "requirepass", "of nobody");
  const s3 = await startS3();
  t.after(() => s3[Symbol.asyncDispose]());
  return { client, services: { port, ca: authority.cert, redisUrl: redis.url, s3 } };
}
