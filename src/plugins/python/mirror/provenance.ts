import { sha256 } from "#base/digests.ts";
import { CodedError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import { scanJson } from "#base/json-scan.ts";
import type { Ctx, DeclaredUnit, DomainRef, RemoteSession } from "#sdk";
import { saveUnits } from "#sdk";
import { pythonPackage, pythonProvenance } from "../content.ts";
import { Malformed } from "../format/malformed.ts";
import { pythonJson } from "../format/python-json.ts";
import { askIndex, statusError } from "./ask.ts";
import { wholeBody } from "./whole-body.ts";

/** Bytes of one provenance; real ones have some ten thousand. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_DEPTH = 64;

/** A package and where its provenance is. */
export interface Proven {
  readonly unit: DeclaredUnit;
  readonly url: string;
}

/**
 * Provenance units of packages (PEP 740), as upstream has them and unverified. The packages are
 * saved first, since a provenance names its package. What cannot be had is left out and logged.
 */
export async function provenanceUnits(
  ctx: Ctx,
  from: {
    readonly remote: RemoteSession;
    readonly domain: DomainRef;
    readonly signal: AbortSignal;
  },
  packages: readonly Proven[],
): Promise<DeclaredUnit[]> {
  const found: { readonly unit: DeclaredUnit; readonly provenance: Json }[] = [];
  for (const { unit, url } of packages) {
    const provenance = await provenanceAt(ctx, from, url);
    if (provenance !== undefined) found.push({ unit, provenance });
  }
  if (found.length === 0) return [];
  const { domain, remote } = from;
  const units = found.map(({ unit }) => ({
    row: unit.row,
    files: unit.files.map(({ relativePath, urls, digests, sizeBytes }) => ({
      relativePath,
      artifact: null,
      source: {
        remote: remote.id,
        url: urls[0],
        ...(sizeBytes === undefined ? {} : { size: sizeBytes }),
        ...(digests.sha256 === undefined ? {} : { sha256: digests.sha256 }),
      },
    })),
  }));
  const saved = await saveUnits(ctx, { domain, type: pythonPackage, units });
  return found.flatMap(({ provenance }, index) => {
    const id = saved[index]?.id;
    if (id === undefined) return [];
    const digest = sha256(pythonJson(sortedKeys(provenance)));
    const row = { package: id, sha256: digest, provenance };
    return [{ type: pythonProvenance, row, files: [] }];
  });
}

async function provenanceAt(
  ctx: Ctx,
  { remote, signal }: { readonly remote: RemoteSession; readonly signal: AbortSignal },
  url: string,
): Promise<Json | undefined> {
  try {
    return await askIndex(remote, { url, signal }, async (answer) => {
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw statusError(answer);
      return provenanceOf((await wholeBody(answer.body, MOST_BYTES)).toString());
    });
  } catch (error) {
    if (!(error instanceof CodedError) && !(error instanceof Malformed)) throw error;
    ctx.log.warn(`The provenance at ${url} is left out: ${error.message}`);
    return undefined;
  }
}

/** @throws `Malformed` for what is no object, or cannot be kept. */
function provenanceOf(text: string): Json {
  if (scanJson(text, MOST_DEPTH)) throw new Malformed("it is nested too deeply or repeats a key");
  if (/\\u0000/.test(text)) throw new Malformed("it holds a character that is none");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Malformed("it is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Malformed("it is no JSON object");
  return value as Json;
}

/** The same value with the keys of every object in order, as its digest is made of (§3). */
function sortedKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, sortedKeys(each)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
