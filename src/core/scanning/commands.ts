import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { ValidationError } from "#base/errors.ts";
import { shownUrl } from "#base/shown-url.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Verdict } from "#platform/scan/scanner.ts";
import type { IncomingFile } from "#platform/storage/storage.ts";
import { objectName } from "../artifacts/queries.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { announceFinding } from "./blocked.ts";
import { scanErrors } from "./errors.ts";
import {
  isReleased,
  isScannedDomain,
  isScannedRepository,
  knownInfected,
  type UnscannedFile,
  unscannedFiles,
} from "./queries.ts";
import { quarantinedText, quarantineName } from "./rules.ts";
import type { ScanStatus, ScanTrigger } from "./table.ts";

/** A file whose bytes are there and whose digest is known. */
export interface ScannedFile {
  readonly file: Pick<IncomingFile, "read"> & Partial<IncomingFile>;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What people call it: an address, or a name. */
  readonly what: string;
  readonly repository?: string;
}

const PIECE = 1_048_576;
const ATTEMPTS = 3;
const PAUSE_MS = 500;

/**
 * Refuses files that are known to be infected; scans them all where the domain asks for it.
 *
 * @throws ValidationError (400) for a known one, `scanErrors`
 */
export async function admitFiles(
  ctx: Ctx,
  domain: DomainRef,
  files: readonly ScannedFile[],
): Promise<void> {
  if (!ctx.scanner || files.length === 0) return;
  const known = await knownInfected(
    ctx.db,
    domain,
    files.map(({ sha256 }) => sha256),
  );
  if (known) throw new ValidationError({ file: [quarantinedText(known.sha256, known.signature)] });
  if (!(await isScannedDomain(ctx, domain))) return;
  for (const file of files) await scanFile(ctx, domain, { ...file, trigger: triggerOf(ctx) });
}

const triggerOf = ({ process }: Ctx): ScanTrigger =>
  process.kind === "worker" ? "sync" : process.kind === "content" ? "stream" : "upload";

/**
 * Scans one file, keeps what was found, and puts an infected one away.
 *
 * @throws `scanErrors`: `infected`; `unavailable` and `oversize` where the settings say so.
 */
export async function scanFile(
  ctx: Ctx,
  domain: DomainRef,
  scanned: ScannedFile & { readonly trigger: ScanTrigger; readonly signal?: AbortSignal },
): Promise<void> {
  const { settings, log } = ctx;
  const what = isAddress(scanned.what) ? shownUrl(scanned.what) : scanned.what;
  // Somebody has said that it is harmless, and knows better.
  if (!ctx.scanner || (await isReleased(ctx.db, domain, scanned.sha256))) return;
  const { verdict, version } = await persistentScan(ctx, scanned);
  const found = { ...scanned, version };
  switch (verdict.kind) {
    case "clean":
      log.info("ClamAV Scan results: stream OK");
      return keepFinding(ctx, domain, { ...found, status: "clean" });
    case "infected": {
      log.warn(`ClamAV Scan results: stream FOUND ${verdict.signature}`);
      const quarantined = await quarantine(ctx, domain, scanned);
      const { signature } = verdict;
      await keepFinding(ctx, domain, { ...found, status: "infected", signature, quarantined });
      throw scanErrors.infected(signature, what);
    }
    case "oversize":
      log.warn(`Failed to scan ${what}. File size exceeded the supported ClamAV limits.`);
      if (settings.CLAMAV_ON_OVERSIZE === "reject") throw scanErrors.oversize(what);
      return keepFinding(ctx, domain, { ...found, status: "skipped" });
    case "failed":
      log.error(`Failed to scan ${what}: ${verdict.reason}.`);
      if (settings.CLAMAV_FAIL_MODE === "closed") throw scanErrors.unavailable(what);
      return keepFinding(ctx, domain, { ...found, status: "error" });
    default:
      return verdict satisfies never;
  }
}

/**
 * Scans what is about to join a repository that asks for it, and was not scanned before.
 *
 * @throws like `scanFile`, for the first that is refused
 */
export async function admitUnits(
  ctx: Ctx,
  domain: DomainRef,
  joining: {
    readonly repository: string;
    readonly units: Parameters<typeof unscannedFiles>[2];
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { repository, units, signal } = joining;
  if (!(await isScannedRepository(ctx, repository))) return;
  for await (const batch of unscannedFiles(ctx.db, domain, units)) {
    for (const one of batch) await scanStored(ctx, domain, { one, repository, signal });
  }
}

async function scanStored(
  ctx: Ctx,
  domain: DomainRef,
  stored: {
    readonly one: UnscannedFile;
    readonly repository: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { sha256, file, path } = stored.one;
  await using object = await ctx.storage(domain).open(file ?? objectName(domain, sha256));
  const { repository, signal } = stored;
  await scanFile(ctx, domain, {
    file: object,
    ...{
      sha256,
      sizeBytes: object.sizeBytes,
      what: path ?? sha256,
      repository,
      trigger: "sync",
      signal,
    },
  });
}

async function* piecesOf({ file, sizeBytes }: ScannedFile): AsyncGenerator<Buffer> {
  for (let start = 0; start < sizeBytes; start += PIECE) {
    yield await file.read(start, Math.min(PIECE, sizeBytes - start));
  }
}

/**
 * Has a file scanned, again if the scanner was away.
 *
 * @throws `scanErrors.unavailable` if there is no scanner
 */
export async function persistentScan(
  { scanner }: Ctx,
  scanned: ScannedFile & { readonly trigger: ScanTrigger; readonly signal?: AbortSignal },
): Promise<{ readonly verdict: Verdict; readonly version: string }> {
  if (!scanner) throw scanErrors.unavailable(scanned.what);
  const attempts = scanned.trigger === "stream" ? 1 : ATTEMPTS;
  const verdict = await persistently(attempts, () =>
    scanner.scan(piecesOf(scanned), scanned.signal),
  );
  return { verdict, version: verdict.kind === "failed" ? "" : await scanner.version() };
}

async function persistently(attempts: number, scan: () => Promise<Verdict>): Promise<Verdict> {
  for (let attempt = 1; ; attempt += 1) {
    const verdict = await scan();
    if (verdict.kind !== "failed" || attempt >= attempts) return verdict;
    await sleep(PAUSE_MS * attempt);
  }
}

/** Infected bytes of a file on its way in are kept for those who look into it. */
async function quarantine(ctx: Ctx, domain: DomainRef, scanned: ScannedFile): Promise<boolean> {
  const storage = ctx.storage(domain);
  await using copy = await storage.beginFile();
  for await (const piece of piecesOf(scanned)) {
    await new Promise<void>((resolve, reject) =>
      copy.sink.write(piece, (error) => (error ? reject(error) : resolve())),
    );
  }
  await copy.seal();
  await storage.place(copy, quarantineName(scanned.sha256));
  return true;
}

const isAddress = (what: string): boolean => /^[a-z]+:\/\//i.test(what);

interface Finding extends ScannedFile {
  readonly trigger: ScanTrigger;
  readonly version: string;
  readonly status: ScanStatus;
  readonly signature?: string;
  readonly quarantined?: boolean;
}

/**
 * What was found last counts; nothing but a person's word makes an infected file clean. Such a file
 * keeps the signature that was found in it, and what scanners say does not count any more.
 */
export async function keepFinding(ctx: Ctx, domain: DomainRef, finding: Finding): Promise<void> {
  const { sha256, what, repository, status, signature, version, quarantined, trigger } = finding;
  const [filename, address] = isAddress(what) ? [null, shownUrl(what)] : [what, null];
  await sql`
    insert into malware_scan (id, domain, artifact_sha256, filename, source_url, repository, status,
      signature, engine_version, quarantined, trigger)
    values (${uuid7()}, ${domain.num}, ${Buffer.from(sha256, "hex")}, ${filename},
      ${address}, ${repository ?? null}, ${status}, ${signature ?? null}, ${version},
      ${quarantined ?? false}, ${trigger})
    on conflict on constraint malware_scan_one_per_file do update set
      status = excluded.status, signature = excluded.signature, trigger = excluded.trigger,
      engine_version = excluded.engine_version, scanned_at = clock_timestamp(),
      quarantined = malware_scan.quarantined or excluded.quarantined
    where malware_scan.status <> 'infected'
      and not (malware_scan.status = 'clean' and malware_scan.signature is not null)`.execute(
    ctx.db,
  );
  if (status === "infected") announceFinding(ctx);
}
