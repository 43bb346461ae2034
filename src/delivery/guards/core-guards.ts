import type { GuardHandler } from "../contract.ts";
import { compositeGuard } from "./composite.ts";
import { contentRedirectGuard } from "./content-redirect.ts";
import { headerGuard } from "./header.ts";
import { rbacGuard } from "./rbac.ts";

/** Guards that the core brings. */
export const coreGuardHandlers: readonly GuardHandler[] = [
  rbacGuard,
  headerGuard,
  contentRedirectGuard,
  compositeGuard,
];
