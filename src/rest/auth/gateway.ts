import { joinGroup } from "#core/access/commands.ts";
import { rightsBook } from "#core/access/rights.ts";
import type { Ctx, User } from "#core/ctx.ts";
import { proxyHeader } from "./proxies.ts";
import { remoteUsers } from "./remote-users.ts";

/** Groups say the same in every domain. */
const NO_DOMAIN = { num: 0, id: "", name: "default" };

/** Names of the groups of a user, mostly without a statement; superusers count as in none. */
const groupsOf = async (ctx: Ctx, user: User): Promise<readonly string[]> =>
  (await rightsBook(ctx).rightsOf({ user, domain: NO_DOMAIN })).groups;

/** For plugins that recognise users by what a gateway in front of us says. */
export const gateway = { header: proxyHeader, remoteUsers, groupsOf, joinGroup } as const;
