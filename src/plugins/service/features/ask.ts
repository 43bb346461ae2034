import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Ctx } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";

/** Answers are lists of a few names. */
const MAX_ANSWER = 65_536;
/** Places for questions at the same time; more of them wait. */
const CONCURRENCY = 20;

/** Whether an account has exactly the features; throws where that cannot be found out. */
export type AskFeatures = (account: string, features: readonly string[]) => Promise<boolean>;

/** The service that knows features, over connections that are kept (service §8.1). */
export function featureService(ctx: Ctx): AskFeatures {
  const settings = serviceSettingsOf(ctx);
  let opened: Promise<ReturnType<Ctx["http"]["client"]>> | undefined;
  const client = () => {
    opened ??= open(ctx);
    // A certificate that was not there may be there next time.
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  return async (account, features) => {
    const url = new URL(settings.FEATURE_SERVICE_API_URL);
    url.searchParams.set("accountId", account);
    for (const feature of features) url.searchParams.append("features", feature);
    const { status, body } = await (await client()).get(url.href);
    if (status !== 200) {
      body.destroy();
      throw new Error(`The feature service answered ${status}.`);
    }
    const known = namesIn(await textOf(body));
    return known.size === new Set(features).size && features.every((one) => known.has(one));
  };
}

async function open(ctx: Ctx) {
  const settings = serviceSettingsOf(ctx);
  const path = settings.FEATURE_SERVICE_API_CERT_PATH;
  const pem = path === "" ? undefined : await readFile(path, "utf8");
  const readTimeoutMs = settings.FEATURE_SERVICE_API_READ_TIMEOUT * 1000;
  const connectTimeoutMs = settings.FEATURE_SERVICE_API_CONNECT_TIMEOUT * 1000;
  return ctx.http.client({
    origin: new URL(settings.FEATURE_SERVICE_API_URL).origin,
    ...(pem === undefined ? {} : { clientCert: pem, clientKey: pem }),
    tlsValidation: true,
    headers: [],
    totalTimeoutMs: connectTimeoutMs + readTimeoutMs,
    connectTimeoutMs,
    readTimeoutMs,
    concurrency: CONCURRENCY,
  });
}

async function textOf(body: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_ANSWER) throw new Error("The feature service answered too much.");
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** Names of `{"features":[{"name":…},…]}`. @throws where it is something else. */
function namesIn(text: string): ReadonlySet<string> {
  const answer = JSON.parse(text) as { readonly features?: unknown } | null;
  const features = answer?.features;
  if (!Array.isArray(features)) throw new Error("The feature service answered something else.");
  return new Set(
    features.map((one: { readonly name?: unknown } | null) => {
      if (typeof one?.name !== "string") throw new Error("A feature has no name.");
      return one.name;
    }),
  );
}
