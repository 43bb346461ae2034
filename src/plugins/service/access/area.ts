import type { Area } from "../area.ts";
import { domainBasedPermission } from "./domain-based.ts";
import { DOMAIN_ADMIN, DOMAIN_VIEWER, isView } from "./gathered-roles.ts";
import { serviceAccessPolicy } from "./rbac.ts";

/** Who decides (service §5). */
export const access: Area = {
  permissionClasses: [domainBasedPermission, serviceAccessPolicy],
  access: { gatheredRoles: { [DOMAIN_ADMIN]: () => true, [DOMAIN_VIEWER]: isView } },
};
