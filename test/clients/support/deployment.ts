import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { type Program, runProgram, startProgram, temporaryFolder } from "../../app/program.ts";
import { type Api, createApi } from "../../support/api.ts";
import { createIdentity } from "../../support/certificates.ts";
import { createDatabase } from "../../support/database.ts";
import { FOUNDING_ACCESS_LINES, FOUNDING_ENVIRONMENT } from "../../support/founding-environment.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../../support/otlp-receiver.ts";
import { freePort } from "../../support/server.ts";
import { createUpstream, type Upstream } from "../../support/upstream.ts";
import { startClamd } from "./clamd.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { type S3Server, startS3 } from "./s3-server.ts";

/** The hosted service as its founding document sets it up, with every neighbour that it has. */
export interface Deployment {
  readonly programs: Readonly<Record<"api" | "content" | "worker", Program>>;
  readonly apiUrl: string;
  readonly contentUrl: string;
  /** An administrator in the domain `default`. */
  readonly admin: Api;
  readonly redis: RedisServer;
  readonly s3: S3Server;
  /** Options of the bucket of the domain `default`. */
  readonly bucket: Readonly<Record<string, string>>;
  readonly collector: OtlpReceiver;
  /** Says of organisation 7 that it has every feature; wants a certificate. */
  readonly features: Upstream;
  /** Of errors, with the paths that they came to. */
  readonly reports: readonly (readonly [path: string, text: string])[];
}

const PASSWORD = "sturdy horses";

/** Starts the neighbours, migrates a database, and starts the three roles beside each other. */
export async function startDeployment(t: TestContext): Promise<Deployment> {
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const folder = await temporaryFolder(t);
  const redis = stack.use(await startRedis());
  const s3 = stack.use(await startS3());
  const clamd = stack.use(await startClamd(4_194_304));
  const collector = await startOtlpReceiver(t);
  const tracker = await createUpstream(t);
  const reports: (readonly [string, string])[] = [];
  tracker.otherwise(async ({ path }, response) => {
    reports.push([path, await text(response.req)]);
    response.end("{}");
  });
  const features = await featuresFor(t, folder);
  const bucket = await s3.bucket();
  const environment = {
    ...FOUNDING_ENVIRONMENT,
    ...Object.fromEntries(
      Object.entries(bucket).map(([name, value]) => [
        `PULP_STORAGES__default__OPTIONS__${name}`,
        value,
      ]),
    ),
    ...filesIn(folder),
    DATABASE_URL: (await createDatabase(t)).url,
    PID_FILE: join(folder, "worker.pid"),
    NODE_EXTRA_CA_CERTS: join(folder, "authority.pem"),
    PULP_REDIS_HOST: "127.0.0.1",
    PULP_REDIS_PORT: new URL(redis.url).port,
    PULP_CLAMAV_HOST: "127.0.0.1",
    PULP_CLAMAV_PORT: String(clamd.port),
    PULP_FEATURE_SERVICE_API_URL: `${features.url}/features/v2/featureStatus`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    SENTRY_DSN: `${tracker.url.replace("//", "//key@")}/7`,
    ENV_NAME: "of the test",
  };
  for (const words of [["migrate"], ["reset-admin-password", "--password", PASSWORD]]) {
    const { code, err } = await runProgram(t, ["manager", ...words], { environment });
    if (code !== 0) throw new Error(`manager ${words[0]}: ${err}`);
  }
  const serve = async (role: "api" | "content") => {
    const port = await freePort();
    const flags = ["--access-logfile", "-", "--access-logformat", FOUNDING_ACCESS_LINES[role]];
    const program = startProgram(t, [role, "-b", `127.0.0.1:${port}`, ...flags], environment);
    return { program, url: `http://127.0.0.1:${port}` };
  };
  const [api, content] = [await serve("api"), await serve("content")];
  const worker = startProgram(t, ["worker"], environment);
  await untilOnline(api.url, [api.program, content.program, worker]);
  const account = { apiUrl: api.url, username: "admin", password: PASSWORD };
  return {
    programs: { api: api.program, content: content.program, worker },
    ...{
      apiUrl: api.url,
      contentUrl: content.url,
      redis,
      s3,
      bucket,
      collector,
      features,
      reports,
    },
    admin: createApi(account, "/api/pulp/default/api/v3/"),
  };
}

/** What the document mounts below `/etc/pulp`. */
function filesIn(folder: string) {
  const settings = join(folder, "settings.py");
  writeFileSync(
    settings,
    `SECRET_KEY = "of the deployment"\nENABLED_PLUGINS = ['file', 'python', 'container', 'service']\n`,
  );
  const key = join(folder, "database_fields.symmetric.key");
  writeFileSync(key, generateFernetKey());
  return {
    PULP_SETTINGS: settings,
    PULP_DEPLOY_ROOT: folder,
    PULP_DB_ENCRYPTION_KEY: key,
    PULP_FEATURE_SERVICE_API_CERT_PATH: join(folder, "services.pem"),
  };
}

/** A feature service behind mutual TLS, of an authority that the programs trust. */
async function featuresFor(t: TestContext, folder: string): Promise<Upstream> {
  const authority = createIdentity("Authority of services");
  const identity = createIdentity("features", { issuer: authority, names: ["127.0.0.1"] });
  const client = createIdentity("pulp-services", { issuer: authority });
  writeFileSync(join(folder, "authority.pem"), authority.cert);
  writeFileSync(join(folder, "services.pem"), `${client.cert}${client.key}`);
  const features = await createUpstream(t, { identity, clientAuthority: authority });
  features.otherwise(({ path, clientName }, response) => {
    const { searchParams } = new URL(path, features.url);
    const isKnown = clientName === "pulp-services" && searchParams.get("accountId") === "7";
    const names = isKnown ? searchParams.getAll("features") : [];
    response.end(JSON.stringify({ features: names.map((name) => ({ name })) }));
  });
  return features;
}

const START_MS = 120_000;

async function untilOnline(url: string, programs: readonly Program[]): Promise<void> {
  const limit = Date.now() + START_MS;
  for (;;) {
    const answer = await fetch(`${url}/api/pulp/api/v3/status/`).catch(() => undefined);
    if (answer?.status === 200) {
      const status = (await answer.json()) as Readonly<Record<string, readonly unknown[]>>;
      const parts = ["online_api_apps", "online_content_apps", "online_workers"];
      if (parts.every((name) => (status[name]?.length ?? 0) > 0)) return;
    } else await answer?.arrayBuffer();
    const dead = programs.find(({ child }) => child.exitCode !== null);
    if (dead || Date.now() > limit) {
      throw new Error(programs.map(({ output }) => `${output.out}${output.err}`).join("\n"));
    }
    await sleep(100);
  }
}
