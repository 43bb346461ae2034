import { type Caller, type Ctx, gateway } from "#sdk";

type User = NonNullable<Caller["user"]>;

/** How the groups of organisations begin (service §4). */
export const ORGANISATION_GROUP = "rh-org-";

/** Makes users members of the group of their organisation; memberships never end by it. */
export function organisationGroups(ctx: Ctx) {
  return {
    async join(user: User, organisation: string): Promise<void> {
      const name = `${ORGANISATION_GROUP}${organisation}`;
      const groups = await gateway.groupsOf(ctx, user);
      if (groups.includes(name)) return;
      const others = groups.filter((group) => group.startsWith(ORGANISATION_GROUP));
      if (others.length > 0) {
        ctx.log.warn(
          `User ${JSON.stringify(user.username)} comes from organisation ${JSON.stringify(organisation)} and is already in ${others.map((other) => JSON.stringify(other)).join(", ")}.`,
        );
      }
      await gateway.joinGroup(ctx, { name, user: user.id });
    },
  };
}
