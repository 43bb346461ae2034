import type { AccessRules } from "#sdk";

type Policy = AccessRules["policies"][number];
type Statement = Policy["statements"][number];

const policy = (viewset: string, ...statements: readonly Statement[]): Policy => ({
  viewset: `pypi/${viewset}`,
  statements,
  creation_hooks: [],
  queryset_scoping: null,
});

const anybody = (...action: readonly string[]): Statement => ({
  action,
  principal: "*",
  effect: "allow",
});

/** Who may change the repository that the index has. */
const changers = (action: string): Statement => ({
  action,
  principal: "authenticated",
  effect: "allow",
  condition: "index_has_repo_perm:python.modify_pythonrepository",
});

/** Who may do what with an index (plugin-python §6.10). */
export const indexPolicies: readonly Policy[] = [
  policy("root", anybody("retrieve")),
  policy("simple", anybody("list", "retrieve"), changers("create")),
  policy("legacy", changers("create")),
  policy("pypi", anybody("retrieve")),
  policy("integrity", anybody("retrieve")),
  policy("yank", changers("yank")),
  policy("unyank", changers("unyank")),
  policy("rss", anybody("retrieve")),
  policy("setup", anybody("retrieve")),
];

/** Conditions about the distribution of a request to an index, and about its repository. */
export const indexConditions: NonNullable<AccessRules["conditions"]> = {
  index_has_perm: {
    means: "has_model_or_domain_or_obj_perms",
    permission: "python.view_pythondistribution",
  },
  index_has_repo_perm: {
    means: "has_repo_attr_model_or_domain_or_obj_perms",
    permission: "python.view_pythonrepository",
  },
};
