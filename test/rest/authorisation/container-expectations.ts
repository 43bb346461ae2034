import type { Rule } from "./expectations.ts";

/**
 * Who may do what with the registry over REST, copied by hand from plugin-container §9 and never from
 * the program. `here:<verb>` is the permission on the object at every level, or the one of the same
 * name with `namespace_` on a namespace that it lies in; `serves:<verb>` is that of a distribution that
 * serves it; `path` is the right to add to the namespace of the base path in the body. Whoever a rule
 * names is asked in `test/plugins/container/access.test.ts`.
 */
export type ContainerRules = Readonly<Record<string, Rule>>;

const roles: ContainerRules = {
  my_permissions: "auth",
  list_roles: ["here:manage_roles"],
  add_role: ["here:manage_roles"],
  remove_role: ["here:manage_roles"],
};

const labels = (...conditions: readonly string[]): ContainerRules => ({
  set_label: conditions,
  unset_label: conditions,
});

const each = (rule: Rule, ...actions: readonly string[]): ContainerRules =>
  Object.fromEntries(actions.map((action) => [action, rule]));

const standing: ContainerRules = {
  ...roles,
  list: "auth",
  create: ["MD:add"],
  retrieve: ["MDO:view"],
  ...each(["MDO:change", "MDO:view"], "update", "partial_update", "set_label", "unset_label"),
  destroy: ["MDO:delete", "MDO:view"],
};

const content: ContainerRules = {
  list: "auth",
  retrieve: "auth",
  ...labels("MD:core.manage_content_labels"),
};

const modify: Rule = ["here:modify_content", "here:view"];
const push: Rule = ["here:modify_content serves:push"];

export const CONTAINER: Readonly<Record<string, ContainerRules>> = {
  "repositories/container/container": {
    ...roles,
    ...each("auth", "list", "retrieve"),
    create: ["MD:add"],
    ...each(["here:change", "here:view"], "update", "partial_update", "set_label", "unset_label"),
    destroy: ["MDO:delete", "here:view"],
    sync: ["MDO:sync", "here:view"],
    build_image: ["MDO:build_image", "here:view"],
    ...each(modify, "add", "remove", "tag", "untag", "copy_tags", "copy_manifests", "sign"),
    ...each(modify, "remove_image", "remove_signatures", "retention"),
  },
  "repositories/container/container/versions": {
    ...each(["here:view"], "list", "retrieve"),
    destroy: ["here:delete_versions", "here:view"],
    repair: ["here:modify_content", "here:view"],
  },
  "repositories/container/container-push": {
    ...roles,
    ...each("auth", "list", "retrieve"),
    ...each(["here:change"], "update", "partial_update", "set_label", "unset_label"),
    ...each(push, "tag", "untag", "sign", "remove_image", "remove_signatures", "retention"),
    migrate: ["here:modify_content serves:push", "MD:add"],
  },
  "repositories/container/container-push/versions": {
    ...each(["here:view"], "list", "retrieve"),
    destroy: "admin",
    repair: ["here:modify_content"],
  },
  "remotes/container/container": standing,
  "remotes/container/pull-through": standing,
  "distributions/container/container": {
    ...roles,
    ...each("auth", "list", "retrieve"),
    create: ["path"],
    ...each(["here:change", "path"], "update", "partial_update"),
    ...labels("here:change"),
    destroy: ["here:delete"],
  },
  "distributions/container/pull-through": {
    ...roles,
    ...each("auth", "list", "retrieve"),
    create: ["MD:add", "path"],
    ...each(["MDO:change", "path"], "update", "partial_update"),
    ...labels("MDO:change"),
    destroy: ["MDO:delete"],
    evict: ["MDO:change"],
  },
  "pulp_container/namespaces": {
    ...roles,
    list: "auth",
    create: ["MD:add or a name of one's own"],
    retrieve: ["MDO:view"],
    destroy: ["MDO:delete", "MDO:view"],
    ...each(["MDO:manage_roles"], "update", "partial_update"),
    ...labels("MDO:manage_roles"),
  },
  "content/container/tags": content,
  "content/container/manifests": content,
  "content/container/blobs": content,
  "content/container/signatures": content,
};
