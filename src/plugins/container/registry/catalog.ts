import type { RegistryCaller } from "./access.ts";
import { sendJson } from "./answers.ts";
import { pageLinks, pageOf } from "./paging.ts";
import { type Place, placesAfter } from "./places.ts";
import type { Registry } from "./registry.ts";
import type { Visit } from "./visit.ts";

/** Repositories that are looked at in one go. */
const BATCH = 500;

/** Names of all repositories that the caller may pull from, over all domains. */
export async function serveCatalog(
  registry: Registry,
  visit: Visit,
  caller: RegistryCaller,
): Promise<void> {
  const page = pageOf(visit);
  const found: string[] = [];
  let { last } = page;
  while (page.size > 0 && found.length <= page.size) {
    const batch = await placesAfter(registry.ctx, last, BATCH);
    const visible = await visibleOf(batch, caller);
    found.push(...visible.slice(0, page.size + 1 - found.length));
    last = batch.at(-1)?.name ?? "";
    if (batch.length < BATCH) break;
  }
  const { names, headers } = pageLinks(visit, page, found);
  sendJson(visit, { repositories: names }, headers);
}

async function visibleOf(
  places: readonly Place[],
  caller: RegistryCaller,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (const place of places) if (await caller.mayPull(place)) names.push(place.name);
  return names;
}
