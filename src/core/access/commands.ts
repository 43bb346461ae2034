export { type Grant, grantRoles } from "./grants.ts";
export {
  addObjectRole,
  ensureLockedRoles,
  grantToCreator,
  removeObjectRole,
} from "./role-commands.ts";
export { announceUserChange, onUserChange } from "./user-changes.ts";
export { checkPassword, createUser, deleteUser, updateUser } from "./user-commands.ts";
