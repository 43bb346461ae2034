import { httpDate, type Validators } from "#base/conditional.ts";
import { baseName } from "#base/paths.ts";
import { objectName } from "#core/artifacts/queries.ts";
import type { Ctx } from "#core/ctx.ts";
import type { FileKey } from "#core/scanning/blocked.ts";
import type { StoredObject } from "#platform/storage/storage.ts";
import { contentType } from "./content-types.ts";
import type {
  ContentRequest,
  FromUpstream,
  HeaderList,
  Listing,
  Redirect,
  Reply,
  SpooledBody,
  Stored,
} from "./contract.ts";
import type { Counted } from "./download-tally.ts";
import { deliveryErrors, type ErrorAnswer } from "./errors.ts";
import { OneWrite } from "./one-write.ts";
import type { OpenFiles } from "./open-files.ts";

/** Bodies up to this size are kept in memory; larger ones are read from an open file. */
const IN_MEMORY_BYTES = 262_144;

/** Where the bytes of an answer come from. */
export type Body =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "file"; readonly key: string; readonly open: () => Promise<StoredObject> }
  | { readonly kind: "spooled"; readonly spool: SpooledBody };

/** A complete answer that can be sent any number of times (a spooled one once). */
export interface Answer {
  readonly status: number;
  /** Reason phrase, if it is not the standard one. */
  readonly reason?: string;
  /** Names and values in turn; length and validity of a range are added when sending. */
  readonly headers: readonly string[];
  readonly validators: Validators;
  readonly hasRanges: boolean;
  readonly sizeBytes: number;
  readonly body: Body;
  /** Bytes in memory, for the budget of the cache. */
  readonly weight: number;
  /** The body with its head, for whole answers that are sent often. */
  readonly oneWrite?: OneWrite | undefined;
  /** Domain whose artifact this is, for the count of bytes served. */
  readonly domain?: string;
  /** Whose bytes it leads to, if they are an artifact's: it may turn out that nobody should get them. */
  readonly file?: FileKey;
  /** Only for this method, e.g. an address that was signed for it. */
  readonly method?: "GET" | "HEAD";
  /** Somebody wants to know how often it is sent. */
  readonly counted?: Counted;
}

const CACHE_CONTROL = "public, max-age=0, must-revalidate";
const PRIVATE = "private, max-age=0";

/** Headers that every answer about a file has, whether it is stored or comes from upstream. */
export function fileHeaders(
  file: Pick<Stored | FromUpstream, "path" | "at" | "headers">,
  facts: { readonly sizeBytes?: number | undefined; readonly sha256?: string | undefined },
): { readonly headers: Record<string, string>; readonly validators: Validators } {
  const at = file.at === null ? undefined : Math.floor(Date.parse(file.at) / 1000) * 1000;
  const { sizeBytes, sha256 } = facts;
  const headers: Record<string, string> = {
    "Content-Type": contentType(file.path),
    ...(sizeBytes === undefined ? {} : { "X-PULP-ARTIFACT-SIZE": String(sizeBytes) }),
    "Accept-Ranges": "bytes",
    ...(sha256 === undefined ? {} : { ETag: `"${sha256}"` }),
    ...(at === undefined ? {} : { "Last-Modified": new Date(at).toUTCString() }),
    "Cache-Control": CACHE_CONTROL,
  };
  const all = file.headers ? overlaid(headers, file.headers) : headers;
  return { headers: all, validators: validatorsOf(all) };
}

/** Puts headers over others, whatever the case of their names. */
export function overlaid(headers: HeaderList, over: HeaderList): Record<string, string> {
  const names = new Set(Object.keys(over).map((name) => name.toLowerCase()));
  const kept = Object.entries(headers).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...over };
}

function validatorsOf(headers: HeaderList): Validators {
  const find = (wanted: string) =>
    Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1];
  return { etag: find("etag"), lastModifiedMs: httpDate(find("last-modified")) };
}

const flat = (headers: HeaderList): string[] => Object.entries(headers).flat();

const noConditions = { validators: {}, hasRanges: false } as const;

/**
 * The answer for a stored file: its bytes, or an address at the store.
 *
 * @throws `deliveryErrors.damaged` if the store does not have exactly these bytes' number.
 */
export async function storedAnswer(
  ctx: Ctx,
  files: OpenFiles,
  { stored, request }: { readonly stored: Stored; readonly request: StoredRequest },
): Promise<Answer> {
  const { domain = request.match.domain } = stored;
  const { sizeBytes, sha256, file } = stored.artifact;
  const digest = sha256.toString("hex");
  const object = file ?? objectName(domain, digest);
  const { headers, validators } = fileHeaders(stored, { sizeBytes, sha256: digest });
  const storage = ctx.storage(domain);
  const key = { domain: domain.num, sha256 };
  if (domain.redirectsToStore) {
    const { method } = request;
    const [fileName, type] = [baseName(stored.path), headers["Content-Type"] ?? ""];
    const location = await storage.redirect(object, { method, fileName, contentType: type });
    if (location !== undefined)
      return { ...toStore({ location, method, fileName, headers, validators }), file: key };
  }
  const open = async () => whole(await storage.open(object), object, sizeBytes);
  const body = await loaded(files, { key: `${domain.num} ${object}`, open, sizeBytes });
  const rest = { validators, hasRanges: true, sizeBytes, domain: domain.name, file: key };
  return { status: 200, headers: flat(headers), ...rest, ...loadedBody(body) };
}

export interface StoredRequest extends Pick<ContentRequest, "method"> {
  readonly match: Pick<ContentRequest["match"], "domain">;
}

/** A signed address must not be kept by shared caches. */
function toStore(given: {
  readonly location: string;
  readonly method: "GET" | "HEAD";
  readonly fileName: string;
  readonly headers: Record<string, string>;
  readonly validators: Validators;
}): Answer {
  const { headers, validators, method, location, fileName } = given;
  const kept = Object.entries(headers).filter(
    ([name]) => !/^(last-modified|accept-ranges)$/i.test(name),
  );
  const all = {
    ...Object.fromEntries(kept),
    "Cache-Control": PRIVATE,
    "Content-Disposition": `attachment;filename=${latin(fileName)}`,
    Location: location,
  };
  const empty = {
    body: { kind: "bytes", bytes: Buffer.alloc(0) },
    sizeBytes: 0,
    weight: 0,
  } as const;
  return { status: 302, headers: flat(all), validators, hasRanges: false, method, ...empty };
}

/** What a header value can hold; the rest becomes `?`. */
const latin = (text: string): string => text.replaceAll(/[^\u0020-\u007e\u00a0-\u00ff]/g, "?");

async function loaded(
  files: OpenFiles,
  file: {
    readonly key: string;
    readonly open: () => Promise<StoredObject>;
    readonly sizeBytes: number;
  },
): Promise<Body> {
  const { key, open, sizeBytes } = file;
  if (sizeBytes > IN_MEMORY_BYTES) {
    using _lease = await files.lease(key, open);
    return { kind: "file", key, open };
  }
  await using object = await open();
  return { kind: "bytes", bytes: await object.read(0, sizeBytes) };
}

/** Takes the bytes of an open file into memory. */
export async function inMemory(files: OpenFiles, answer: Answer): Promise<Answer> {
  const { body, sizeBytes } = answer;
  if (body.kind !== "file") return answer;
  using lease = await files.lease(body.key, body.open);
  const bytes = await lease.object.read(0, sizeBytes);
  return { ...answer, ...loadedBody({ kind: "bytes", bytes }) };
}

function loadedBody(body: Body): Pick<Answer, "body" | "weight" | "oneWrite"> {
  if (body.kind !== "bytes") return { body, weight: 0 };
  const oneWrite = new OneWrite(body.bytes);
  return { body, weight: oneWrite.weight, oneWrite };
}

async function whole(object: StoredObject, name: string, sizeBytes: number): Promise<StoredObject> {
  if (object.sizeBytes === sizeBytes) return object;
  await object[Symbol.asyncDispose]();
  throw deliveryErrors.damaged(name);
}

export function listingAnswer({ contentType: type, body }: Listing): Answer {
  const headers = ["Content-Type", type, "Vary", "Accept"];
  if (!Buffer.isBuffer(body)) {
    const { sizeBytes } = body;
    return {
      status: 200,
      headers,
      ...noConditions,
      sizeBytes,
      weight: 0,
      body: { kind: "spooled", spool: body },
    };
  }
  return bytesAnswer(200, headers, body);
}

export function replyAnswer({ status, headers, body }: Reply): Answer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
  const validators = status === 200 ? validatorsOf(headers) : {};
  return { ...bytesAnswer(status, flat(headers), bytes), validators };
}

export function errorReply({ status, reason }: ErrorAnswer): Answer {
  const headers = ["Content-Type", "text/plain; charset=utf-8"];
  if (status === 405) headers.push("Allow", "GET,HEAD");
  if (status === 503) headers.push("Retry-After", "1");
  return { ...bytesAnswer(status, headers, Buffer.from(`${status}: ${reason}`)), reason };
}

export function redirectAnswer({ status, location }: Redirect): Answer {
  const headers = ["Content-Type", "text/plain; charset=utf-8", "Location", location];
  const reason = status === 301 ? "Moved Permanently" : "Found";
  return bytesAnswer(status, headers, Buffer.from(`${status}: ${reason}`));
}

const bytesAnswer = (status: number, headers: readonly string[], bytes: Buffer): Answer => ({
  ...{ status, headers, ...noConditions, sizeBytes: bytes.length, weight: bytes.length },
  body: { kind: "bytes", bytes },
});

/** An answer of bytes that is sent often, so that its head and body are made once. */
export function frequentAnswer(
  bytes: Buffer,
  { headers, validators = {} }: { readonly headers: HeaderList; readonly validators?: Validators },
): Answer {
  const body = loadedBody({ kind: "bytes", bytes });
  return { ...bytesAnswer(200, flat(headers), bytes), validators, ...body };
}
