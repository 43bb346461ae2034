/** Actions whose permission is called otherwise (core-rest §7.3). */
const VERBS: Readonly<Record<string, string>> = {
  list: "view",
  retrieve: "view",
  my_permissions: "view",
  create: "add",
  update: "change",
  partial_update: "change",
  set_label: "change",
  unset_label: "change",
  destroy: "delete",
  list_roles: "manage_roles",
  add_role: "manage_roles",
  remove_role: "manage_roles",
};

/**
 * The permission that an action on a model is called by: `file.view_filerepository`.
 *
 * @param model `file.filerepository`.
 * @param action name as policies have it: `list`, `destroy`, `sync`.
 */
export function permissionName(model: string, action: string): string {
  const [component, name] = model.split(".");
  const verb = Object.hasOwn(VERBS, action) ? VERBS[action] : action;
  return `${component}.${verb}_${name}`;
}
