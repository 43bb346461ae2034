import { domainOrgs } from "./domain-orgs.ts";
import { domains } from "./domains.ts";
import { groups } from "./groups.ts";
import type { Model } from "./model.ts";
import { tasks } from "./tasks.ts";
import { users } from "./users.ts";

/** The models of the site in the order of the navigation. */
export const models: readonly Model[] = [domainOrgs, domains, groups, users, tasks];
