export { beginActing, endActing } from "./acting-commands.ts";
export { assignRole, unassignRole } from "./assignment-commands.ts";
export { createRole, deleteRole, updateRole } from "./custom-roles.ts";
export { type Grant, grantRoles } from "./grants.ts";
export {
  addMember,
  changeGroup,
  createGroup,
  deleteGroup,
  joinGroup,
  removeMember,
  renameGroup,
  setMembers,
  type UserName,
} from "./group-commands.ts";
export { giveRole, takeRole } from "./held-roles.ts";
export { exchangeToken } from "./oidc-exchange.ts";
export { redeemIdentity } from "./oidc-redeem.ts";
export {
  addObjectRole,
  ensureLockedRoles,
  removeObjectRole,
} from "./role-commands.ts";
export { beginSession, endSession, removeExpiredSessions } from "./session-commands.ts";
export {
  createToken,
  deleteToken,
  issueToken,
  type NewToken,
  revokeToken,
  type TokenDraft,
} from "./token-commands.ts";
export { announceUserChange, onUserChange } from "./user-changes.ts";
export { checkPassword, createUser, deleteUser, updateUser } from "./user-commands.ts";
