import type { Call } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { isSafe } from "./rules.ts";

/** Who asks for what the service itself is about, whatever decides elsewhere (service §5.5). */

type Asked = Pick<Call, "ctx" | "caller" | "rights" | "request">;

/** Administrators: the staff, and superusers. */
export const isAdmin = ({ caller: { user } }: Pick<Asked, "caller">): boolean =>
  user?.isSuperuser === true || user?.isStaff === true;

export const isSuperuser = ({ caller: { user } }: Pick<Asked, "caller">): boolean =>
  user?.isSuperuser === true;

/** Members of `ADMIN_READONLY_GROUP`, who read what is for administrators. */
export function isReader(
  { settings }: Pick<Call["ctx"], "settings">,
  { caller, rights }: Pick<Asked, "caller"> & { readonly rights: Pick<Call["rights"], "groups"> },
): boolean {
  const { ADMIN_READONLY_GROUP: group } = serviceSettingsOf({ settings });
  return caller.user !== null && group !== "" && rights.groups.includes(group);
}

/** Administrators, and for reads the readers. */
export const isAdminOrReader = (asked: Asked): boolean =>
  isAdmin(asked) || (isSafe(asked.request.method) && isReader(asked.ctx, asked));

/** Superusers and readers; staff is not among them (service §9.5). */
export const readsAllDomains = (asked: Omit<Asked, "request">): boolean =>
  isSuperuser(asked) || isReader(asked.ctx, asked);
