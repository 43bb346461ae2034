import type { RemoteSession } from "#sdk";
import { normalizeName } from "../format/names.ts";
import { readProjectList, SIMPLE_ACCEPT } from "../format/simple-page.ts";
import { askIndex, statusError } from "./ask.ts";
import { named } from "./named.ts";

/** A project to be looked at. */
export interface ListedName {
  /** Normalised. */
  readonly name: string;
  /** Number of its last change; null where upstream does not count, or not believably. */
  readonly lastSerial: number | null;
}

/**
 * All projects of an upstream, each once, in the order of their names.
 *
 * @throws why the list cannot be had: without it a sync cannot begin.
 */
export async function allProjects(
  remote: RemoteSession,
  root: string,
  { signal, maxBytes }: { readonly signal: AbortSignal; readonly maxBytes: number },
): Promise<ListedName[]> {
  const url = `${root}simple/`;
  const serials = new Map<string, number | null>();
  await askIndex(remote, { url, headers: { accept: SIMPLE_ACCEPT }, signal }, async (answer) => {
    if (answer.status !== 200) throw statusError(answer);
    serials.clear();
    const page = {
      body: answer.body,
      contentType: answer.headers["content-type"],
      url: answer.url,
      maxBytes,
    };
    await named(url, async () => {
      for await (const projects of readProjectList(page))
        for (const { name, lastSerial } of projects) serials.set(normalizeName(name), lastSerial);
    });
  });
  const isCounted = new Set(serials.values()).size > 1;
  return [...serials]
    .map(([name, lastSerial]) => ({ name, lastSerial: isCounted ? lastSerial : null }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
