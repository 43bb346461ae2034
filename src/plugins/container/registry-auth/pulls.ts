import type { Ctx } from "#sdk";
import type { DoorTools } from "../registry/visit.ts";
import { prnsOf, type RegistryUser, reaches } from "./rights.ts";

/** A distribution, as far as it matters who may pull from it. */
export interface Pulled {
  readonly domain: { readonly num: number; readonly name: string };
  readonly distribution: string;
  readonly isPrivate: boolean;
  readonly namespace: { readonly id: string };
  readonly repository: { readonly id: string; readonly type: string } | null;
}

interface HeldRow {
  readonly domain: number | null;
  readonly object: string | null;
}

const heldPulls = {
  name: "registry pulls of subjects",
  text: `select distinct a.domain, a.object
    from role_assignment a join role_permission p on p.role = a.role
    where a.subject = any($1::int[]) and p.permission in
      ('container.pull_containerdistribution', 'container.namespace_pull_containerdistribution')`,
};

/**
 * From which repositories somebody may pull, for many at a time: with one statement, and none for
 * public ones.
 */
export function pullsOf(
  ctx: Ctx,
  access: DoorTools["access"],
  user: RegistryUser | null,
): (place: Pulled) => boolean | Promise<boolean> {
  let held: Promise<(place: Pulled) => boolean> | undefined;
  return (place) => {
    if (!place.isPrivate) return true;
    if (user === null || !isMeantFor(access, user, place)) return false;
    if (user.isSuperuser) return true;
    held ??= heldBy(ctx, access, user);
    return held.then((has) => has(place));
  };
}

function isMeantFor(
  access: DoorTools["access"],
  user: RegistryUser,
  { distribution: id, domain, ...rest }: Pulled,
): boolean {
  const objects = prnsOf({ ...rest, distribution: { id }, pullThrough: null });
  return reaches(access, user, { right: "pull", domain: domain.name, objects });
}

async function heldBy(
  { hot, settings }: Ctx,
  access: DoorTools["access"],
  user: RegistryUser,
): Promise<(place: Pulled) => boolean> {
  const { subjects } = await access.rightsOf({ user, domain: { num: 0, id: "", name: "" } });
  const rows = await hot.query<HeldRow>(heldPulls, [subjects]);
  const scopes = rows.filter(({ object }) => object === null);
  const isEverywhere = scopes.some(({ domain }) => domain === null);
  const domains = new Set(settings.DOMAIN_ENABLED ? scopes.map(({ domain }) => domain) : []);
  const objects = new Set(rows.map(({ object }) => object));
  return ({ distribution, namespace, domain }) =>
    isEverywhere ||
    domains.has(domain.num) ||
    objects.has(distribution) ||
    objects.has(namespace.id);
}
