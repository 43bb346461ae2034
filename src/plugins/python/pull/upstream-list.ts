import type { Ctx, DomainRef } from "#sdk";
import { openRemote } from "#sdk";
import { normalizeName } from "../format/names.ts";
import { readProjectList, SIMPLE_ACCEPT } from "../format/simple-page.ts";
import type { Project } from "../index/members.ts";
import { indexRoot } from "../mirror/address.ts";
import { statusError } from "../mirror/ask.ts";
import { named } from "../mirror/named.ts";
import { mostListBytes } from "../mirror/settings.ts";
import { listsOf, remoteOf } from "./pulled-files.ts";

/** How long upstream may take until it begins to answer. */
const PATIENCE_MS = 20_000;

/**
 * Every project that upstream lists and the remote lets in, as the list comes.
 *
 * @throws why the list cannot be had, at the latest with the first piece unless it breaks off.
 */
export async function* upstreamProjects(
  ctx: Ctx,
  of: { readonly domain: DomainRef; readonly distribution: string },
): AsyncGenerator<readonly Project[]> {
  const row = await remoteOf(ctx, of);
  if (!row) return;
  const lists = listsOf(row);
  await using remote = await openRemote(ctx, of.domain, row.id);
  const url = `${indexRoot(remote.url)}simple/`;
  const headers = { accept: SIMPLE_ACCEPT };
  using patience = patienceOf(PATIENCE_MS);
  const answer = await remote.get(url, { headers, signal: patience.signal });
  patience[Symbol.dispose]();
  try {
    if (answer.status !== 200) throw statusError(answer);
    const pieces = readProjectList({
      body: answer.body,
      contentType: answer.headers["content-type"],
      url: answer.url,
      maxBytes: mostListBytes(ctx),
    });
    for (;;) {
      const piece = await named(url, () => pieces.next());
      if (piece.done === true) return;
      yield piece.value
        .map(({ name }) => ({ name, name_normalized: normalizeName(name) }))
        .filter((project) => !lists(project.name_normalized).isOut);
    }
  } finally {
    answer.body.destroy();
  }
}

/** A time-out that ends with what it is for. */
function patienceOf(ms: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new DOMException("Too late", "TimeoutError")),
    ms,
  );
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}
