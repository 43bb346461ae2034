import type { Ctx } from "#sdk";
import { type Authority, authoritiesOf } from "./chain.ts";
import { pemCertificates } from "./format/pem.ts";
import { Recent } from "./recent.ts";

/** The certificates that a guard trusts since its last change. */
export interface AuthorityStore {
  /** Differs after every change of the guard. */
  readonly epoch: string;
  readonly authorities: readonly Authority[];
}

/** Guards whose certificates a process keeps parsed. */
const MAX_STORES = 500;
const stores = new WeakMap<Ctx["hot"], Recent<AuthorityStore>>();

function storesOf({ hot }: Ctx): Recent<AuthorityStore> {
  const known = stores.get(hot) ?? new Recent<AuthorityStore>(MAX_STORES);
  stores.set(hot, known);
  return known;
}

/** The certificates come along only where they have changed. */
const byId = {
  name: "certificate guard",
  text: `select k.epoch, case when k.epoch = $3 then null else k.ca_certificate end as ca_certificate
    from (select extract(epoch from e.updated)::text as epoch, d.ca_certificate
      from content_guard e join certguard_guard d on d.domain = e.domain and d.id = e.id
      where e.domain = $1 and e.id = $2) k`,
};

interface GuardRow {
  readonly epoch: string;
  /** PEM; null if the epoch is the one that was asked with. */
  readonly ca_certificate: string | null;
}

/** What a guard trusts now; undefined if there is no such guard any more. */
export async function authorityStore(
  ctx: Ctx,
  { domain, id }: { readonly domain: number; readonly id: string },
): Promise<AuthorityStore | undefined> {
  const known = storesOf(ctx);
  const before = known.get(id);
  const [row] = await ctx.hot.query<GuardRow>(byId, [domain, id, before?.epoch ?? null]);
  if (row === undefined) return undefined;
  if (row.ca_certificate === null) return before;
  const store = {
    epoch: row.epoch,
    authorities: authoritiesOf(pemCertificates(row.ca_certificate) ?? []),
  };
  known.set(id, store);
  return store;
}
