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

/** Administrators, and for reads the members of `ADMIN_READONLY_GROUP`. */
export function isAdminOrReader(asked: Asked): boolean {
  if (isAdmin(asked)) return true;
  const { ADMIN_READONLY_GROUP: group } = serviceSettingsOf(asked.ctx);
  return group !== "" && isSafe(asked.request.method) && asked.rights.groups.includes(group);
}
