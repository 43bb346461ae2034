import { sql } from "#sdk";
import { keepNames } from "./domain-names.ts";
import { indexDecider } from "./index-reads.ts";
import type { Decider, PermissionClass } from "./permission.ts";
import { grantToMaker } from "./role-grants.ts";
import { isIndex, isOpenInPublic, isPublicName, isSafe } from "./rules.ts";

/**
 * Roles decide, as in an installation of one organisation; public domains and indexes are read as
 * with `DomainBasedPermission` (service §5.4).
 */
export const serviceAccessPolicy: PermissionClass = {
  identifiers: ["pulp_service.app.access_policy.PulpServiceAccessPolicy"],
  hasPolicies: true,
  open(ctx): Decider {
    const indexReads = indexDecider(ctx);
    return {
      async isPermitted(question, byPolicy) {
        const { caller, rights, viewset, action, method, visit } = question;
        if (rights.isSuperuser) return true;
        if (!isSafe(method)) {
          const isAllowed = await byPolicy();
          if (isAllowed) await keepNames(ctx, question);
          return isAllowed;
        }
        const isPublic = isPublicName(caller.domain.name);
        if (isPublic && (visit !== undefined || isOpenInPublic(viewset, action))) return true;
        return isIndex(viewset) ? indexReads(question) : byPolicy();
      },
      scope({ caller, viewset }) {
        if (viewset === "domains") {
          return { kind: "also", rows: sql<unknown>`starts_with(e.name, 'public-')` };
        }
        const isOpen = isPublicName(caller.domain.name) && isOpenInPublic(viewset, "list");
        return isOpen ? { kind: "only", rows: sql<unknown>`true` } : undefined;
      },
      /** Whoever makes a domain for himself and his group has what is in it, too. */
      async made(db, { viewset, object }) {
        if (viewset === "domains/create") await grantToMaker(db, object.id);
      },
    };
  },
};
