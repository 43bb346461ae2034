import { randomBytes } from "node:crypto";
import type { Ctx } from "../ctx.ts";
import { redirectKey, SIGNED_SECONDS, signedAddress } from "./rules.ts";
import type { GuardMember, HeaderRule } from "./types.ts";

const byId = {
  name: "header guard",
  text: "select header_name, header_value, jq_filter from header_guard where domain = $1 and id = $2",
};

const membersById = {
  name: "composite guard members",
  text: `select g.id, g.type, g.name, c.id is not null as is_there from (select $1::int, $2::uuid) k (domain, id)
    left join content_guard c on c.domain = k.domain and c.id = k.id
    left join composite_guard_member m on m.domain = k.domain and m.composite = k.id
    left join content_guard g on g.domain = m.domain and g.id = m.guard
    order by m.position`,
};

/** Which guard, inside which domain, by its number. */
export interface GuardPlace {
  readonly domain: number;
  readonly id: string;
}

/** What a header guard asks for now; undefined if there is no such guard any more. */
export async function headerRule(
  { hot }: Pick<Ctx, "hot">,
  { domain, id }: GuardPlace,
): Promise<HeaderRule | undefined> {
  const [row] = await hot.query<HeaderRule>(byId, [domain, id]);
  return row;
}

/** Members of a composite in the order of asking; undefined if there is no such guard any more. */
export async function compositeMembers(
  { hot }: Pick<Ctx, "hot">,
  { domain, id }: GuardPlace,
): Promise<readonly GuardMember[] | undefined> {
  const rows = await hot.query<GuardMember & { readonly is_there: boolean }>(membersById, [
    domain,
    id,
  ]);
  if (!rows[0]?.is_there) return undefined;
  return rows.filter((row) => row.id !== null);
}

/**
 * Address that a content redirect guard lets pass for an hour, whoever has it.
 *
 * @param path decoded, from the root of the content app's host.
 * @returns undefined without `SECRET_KEY`.
 */
export function signedPath(
  { settings, clock }: Pick<Ctx, "settings" | "clock">,
  guard: string,
  path: string,
): string | undefined {
  const key = redirectKey(settings.SECRET_KEY, guard);
  if (key === undefined) return undefined;
  const expires = Math.floor(clock.now() / 1000) + SIGNED_SECONDS;
  return signedAddress(path, { key, salt: randomBytes(16), expires });
}
