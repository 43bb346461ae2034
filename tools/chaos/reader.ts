import { sha256 } from "./digest.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";

export interface ReaderOptions {
  readonly contentUrl: string;
  /** Base paths of the distributions that are polled. */
  readonly sites: readonly string[];
  /** The site that has one of two states, and what its manifest says in each. */
  readonly flip: { readonly site: string; readonly states: readonly string[] };
  readonly random: Random;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

/**
 * Downloads like a package manager until the signal (R2): a manifest that ends cleanly is whole, a
 * file that ends cleanly has the digest that the manifest promised, and the site that is switched
 * between two states shows one or the other.
 */
export async function read(options: ReaderOptions): Promise<void> {
  const { random, ledger, signal } = options;
  while (!signal.aborted) {
    try {
      await readOnce(options);
      ledger.done += 1;
    } catch (error) {
      ledger.count(`reader: ${(error as Error).message}`);
      await new Promise((resolve) => setTimeout(resolve, 20 + random.below(50)));
    }
  }
}

async function readOnce({ contentUrl, sites, flip, random, ledger }: ReaderOptions): Promise<void> {
  const site = random.pick([...sites, flip.site]);
  const base = `${contentUrl}/pulp/content/${site}/`;
  const manifest = await fetched(`${base}PULP_MANIFEST`, ledger);
  if (manifest === undefined) {
    if (site === flip.site) ledger.wrong.push(`${site} has no manifest`);
    return;
  }
  const lines = manifest.toString().split("\n");
  const isWhole =
    lines.pop() === "" && lines.every((line) => /^[^,]+,[0-9a-f]{64},\d+$/.test(line));
  if (!isWhole) ledger.wrong.push(`${site}: its manifest is not whole`);
  if (site === flip.site && !flip.states.includes(stateOf(manifest.toString())))
    ledger.wrong.push(`${site} shows ${lines.length} files, a mix of its states`);
  if (lines.length === 0) return;
  const [path = "", digest, size] = random.pick(lines).split(",");
  const file = await fetched(base + path, ledger);
  if (file && (sha256(file) !== digest || file.length !== Number(size)))
    ledger.wrong.push(`${base}${path}: ${file.length} bytes of ${sha256(file)} ended cleanly`);
}

/** A manifest in the form in which two of the same members are equal. */
export const stateOf = (manifest: string): string =>
  manifest.split("\n").filter(Boolean).sort().join("\n");

/** Undefined for 404; a body that breaks off rejects. */
async function fetched(url: string, ledger: Ledger): Promise<Buffer | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  const body = Buffer.from(await response.arrayBuffer());
  if (response.status === 200) return body;
  if (response.status === 404) return undefined;
  if (![502, 503, 504].includes(response.status))
    ledger.wrong.push(`GET ${url} answered ${response.status}: ${body.toString().slice(0, 200)}`);
  throw new Error(`${response.status}`);
}
