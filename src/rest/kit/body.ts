import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyFileStream, type BusboyInstance } from "@fastify/busboy";
import { objectError } from "#base/errors.ts";
import { scanJson } from "#base/json-scan.ts";
import { type ReceivedFile, receiveFile } from "#core/artifacts/commands.ts";
import type { Call } from "./call.ts";
import type { RawBody } from "./parse.ts";
import type { Fields } from "./resource.ts";
import { restErrors } from "./rest-errors.ts";

/** Parts of a form: a file or two, and many small fields. */
const MAX_FILES = 10;
/** Deeper JSON costs more to walk than any request of ours needs. */
const MAX_JSON_DEPTH = 1024;

export interface BodyOptions {
  readonly fields: Fields;
  /** JSON cannot carry the file, so it is not taken. */
  readonly hasFile?: boolean;
  readonly isFileOptional?: boolean;
}

/** A body and the files in it, which are dropped when nobody took them. */
export interface ReadBody extends RawBody, AsyncDisposable {}

const NOTHING: ReadBody = {
  values: {},
  isForm: false,
  [Symbol.asyncDispose]: async () => undefined,
};

/**
 * Reads a request's body by its media type (core-rest §2.1). Files go straight into the store's
 * incoming folder; the rest is limited by `DATA_UPLOAD_MAX_MEMORY_SIZE`.
 */
export async function readBody(call: Call, options: BodyOptions): Promise<ReadBody> {
  const { headers, raw } = call.request;
  const isEmpty = headers["content-length"] === "0" || hasNoBody(raw);
  const needsFile = options.hasFile === true && options.isFileOptional !== true;
  if (isEmpty && !needsFile) return NOTHING;
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (isEmpty && type === "") return NOTHING;
  if (headers["content-encoding"] && headers["content-encoding"] !== "identity") {
    throw restErrors.mediaType(`${type} with encoding ${headers["content-encoding"]}`);
  }
  switch (type) {
    case "application/json":
      if (needsFile) throw restErrors.mediaType(type);
      return { ...NOTHING, values: await readJson(call), isForm: false };
    case "application/x-www-form-urlencoded":
      return { ...NOTHING, values: formValues(call, await readForm(call)), isForm: true };
    case "multipart/form-data":
      return readMultipart(call, options.fields);
    default:
      throw restErrors.mediaType(headers["content-type"] ?? "");
  }
}

const hasNoBody = ({ headers }: IncomingMessage): boolean =>
  headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;

async function readText(call: Call): Promise<string> {
  const limit = call.ctx.settings.DATA_UPLOAD_MAX_MEMORY_SIZE;
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(call.request.headers["content-length"] ?? 0) > limit) throw restErrors.bodySize(limit);
  for await (const chunk of call.request.raw) {
    size += chunk.length;
    if (size > limit) throw restErrors.bodySize(limit);
    chunks.push(chunk);
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
}

async function readJson(call: Call): Promise<Record<string, unknown>> {
  const value = parseJson(await decoded(readText(call), restErrors.json));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const limit = call.ctx.settings.DATA_UPLOAD_MAX_NUMBER_FIELDS;
    if (Object.keys(value).length > limit) throw restErrors.fieldCount(limit);
    return value as Record<string, unknown>;
  }
  const kind = Array.isArray(value) ? "list" : value === null ? "NoneType" : typeof value;
  const name = { string: "str", number: "int", boolean: "bool" }[kind as "string"] ?? kind;
  throw objectError(`Invalid data. Expected a dictionary, but got ${name}.`);
}

const readForm = (call: Call): Promise<string> => decoded(readText(call), restErrors.form);

/** Bytes that are no UTF-8 are the client's mistake. */
async function decoded(text: Promise<string>, problem: (why: string) => Error): Promise<string> {
  try {
    return await text;
  } catch (error) {
    if (error instanceof TypeError) throw problem("the body is not UTF-8");
    throw error;
  }
}

function parseJson(text: string): unknown {
  const problem = scanJson(text, MAX_JSON_DEPTH);
  if (problem?.kind === "depth") throw restErrors.json("nested too deeply");
  if (problem) throw restErrors.json(`the key ${JSON.stringify(problem.key)} occurs twice`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw restErrors.json(error instanceof Error ? error.message : "invalid");
  }
}

/** Repeated keys, and keys with an index (`key[0]`), are lists. */
function formValues(call: Call, text: string): Record<string, unknown> {
  const values = new Map<string, string[]>();
  let count = 0;
  for (const [key, value] of new URLSearchParams(text)) {
    count += 1;
    addField(call, values, { key, value, count });
  }
  return flatten(values);
}

function addField(
  call: Call,
  values: Map<string, string[]>,
  { key, value, count }: { key: string; value: string; count: number },
): void {
  const limit = call.ctx.settings.DATA_UPLOAD_MAX_NUMBER_FIELDS;
  if (count > limit) throw restErrors.fieldCount(limit);
  const name = key.replace(/\[\d*\]$/, "");
  values.set(name, [...(values.get(name) ?? []), value]);
}

const flatten = (values: ReadonlyMap<string, readonly string[]>): Record<string, unknown> =>
  Object.fromEntries(
    [...values].map(([name, texts]) => [name, texts.length === 1 ? texts[0] : texts]),
  );

async function readMultipart(call: Call, fields: Fields): Promise<ReadBody> {
  const texts = new Map<string, string[]>();
  const files = new Map<string, Promise<ReceivedFile>>();
  const parser = makeParser(call);
  let count = 0;
  let problem: Error | undefined;
  const fail = (error: unknown): void => {
    problem ??= error instanceof Error ? error : restErrors.form(String(error));
  };
  parser.on("field", (key: string, value: string, _keyCut: boolean, valueCut: boolean) => {
    count += 1;
    try {
      if (valueCut) throw restErrors.bodySize(call.ctx.settings.DATA_UPLOAD_MAX_MEMORY_SIZE);
      addField(call, texts, { key, value, count });
    } catch (error) {
      fail(error);
    }
  });
  parser.on("file", (name: string, stream: BusboyFileStream, filename?: string) => {
    const isWanted = fields[name]?.schema.format === "binary" && !files.has(name) && !problem;
    if (isWanted) files.set(name, receive(call, stream, filename));
    else stream.resume();
  });
  for (const event of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
    parser.on(event, () =>
      fail(restErrors.fieldCount(call.ctx.settings.DATA_UPLOAD_MAX_NUMBER_FIELDS)),
    );
  }
  await pipeline(call.request.raw, parser).catch((error) => fail(formProblem(error)));
  return collect(files, texts, problem);
}

function makeParser(call: Call): BusboyInstance {
  const { settings } = call.ctx;
  try {
    return new Busboy({
      headers: {
        ...call.request.headers,
        "content-type": call.request.headers["content-type"] ?? "",
      },
      limits: {
        fieldNameSize: 200,
        fieldSize: settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        fields: settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
        files: MAX_FILES,
        parts: settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + MAX_FILES,
        headerPairs: 100,
      },
    });
  } catch (error) {
    throw formProblem(error);
  }
}

const formProblem = (error: unknown): Error =>
  restErrors.form(error instanceof Error ? error.message : String(error));

/**
 * The promise is awaited when the form has ended; a failure until then must not go unheard. It
 * leaves the stream as it is, since a part that nobody reads stops the form for ever.
 */
function receive(call: Call, stream: BusboyFileStream, filename?: string): Promise<ReceivedFile> {
  const limit = call.ctx.settings.API_MAX_FILE_SIZE;
  const body = stream.iterator({ destroyOnReturn: false });
  const received = receiveFile(call.ctx, call.caller.domain, body, {
    signal: call.signal,
    ...(filename === undefined ? {} : { filename }),
    ...(limit > 0 ? { limitBytes: limit } : {}),
  });
  received.catch(() => stream.resume());
  return received;
}

async function collect(
  files: ReadonlyMap<string, Promise<ReceivedFile>>,
  texts: ReadonlyMap<string, readonly string[]>,
  problem: Error | undefined,
): Promise<ReadBody> {
  const settled = await Promise.allSettled(files.values());
  const received = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const dispose = async () => {
    for (const file of received) await file[Symbol.asyncDispose]();
  };
  const failure = problem ?? settled.find((one) => one.status === "rejected")?.reason;
  if (failure) {
    await dispose();
    throw failure;
  }
  const names = [...files.keys()];
  const values = {
    ...flatten(texts),
    ...Object.fromEntries(names.map((n, i) => [n, received[i]])),
  };
  return { values, isForm: true, [Symbol.asyncDispose]: dispose };
}
