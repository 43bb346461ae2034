import type { Storage } from "#platform/storage/storage.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { DEFAULT_DOMAIN, openOptions } from "./rules.ts";

/** A domain that is known is believed this long; renamed and deleted ones fade within it. */
const BELIEVED_MS = 1000;
const MAX_KNOWN = 1000;

const byName = { name: "domain by name", text: "select num, id, name from domain where name = $1" };

/** Finds domains by name, mostly without a statement; one finder per process. */
export function domainFinder(ctx: Ctx): (name: string) => Promise<DomainRef | undefined> {
  const known = new Map<string, { readonly domain: DomainRef; readonly until: number }>();
  return async (name) => {
    const cached = known.get(name);
    if (cached && cached.until > ctx.clock.now()) return cached.domain;
    const found = ctx.hot.query<DomainRef>(byName, [name]);
    // While the database is away, what needs only the domain's name goes on.
    const [domain] = cached ? await found.catch(() => [cached.domain]) : await found;
    known.delete(name);
    if (domain) {
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(name, { domain, until: ctx.clock.now() + BELIEVED_MS });
    }
    return domain;
  };
}

/** The stores of all domains; those of equal settings share one. What cannot be opened is left out. */
export async function distinctStores(ctx: Ctx): Promise<Set<Storage>> {
  const domains = await ctx.db
    .selectFrom("domain")
    .select(["num", "id", "name", "storage_class", "storage_settings"])
    .execute();
  const stores = domains.map((domain) => {
    if (domain.name === DEFAULT_DOMAIN) return ctx.storage(domain);
    const { storage_class: storageClass, storage_settings: sealed } = domain;
    try {
      return ctx.openStore({ storageClass, options: openOptions(sealed, ctx.secrets) });
    } catch (error) {
      ctx.log.warn(`The store of domain ${domain.name} cannot be opened: ${error}`);
      return undefined;
    }
  });
  return new Set(stores.filter((store) => store !== undefined));
}
