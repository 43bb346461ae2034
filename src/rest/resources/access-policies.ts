import { objectError } from "#base/errors.ts";
import { resetPolicy, updatePolicy } from "#core/policies/commands.ts";
import type { PolicyDocument } from "#core/policies/types.ts";
import { boolean, list, object, text } from "../kit/fields.ts";
import { booleanFilter, NAME, textFilters } from "../kit/filters/lookups.ts";
import { keyOf } from "../kit/present.ts";
import { type Action, defineResource, type Fields, type Values } from "../kit/resource.ts";

const documents = () => list({ type: "object" });

const fields: Fields = {
  // The older name of the hooks.
  permissions_assignment: { ...documents(), sql: "e.creation_hooks" },
  creation_hooks: documents(),
  statements: list({ type: "object" }, { required: true }),
  viewset_name: text({ readOnly: true }),
  customized: boolean({ readOnly: true }),
  queryset_scoping: object({ mayBeNull: true }),
};

/** @throws `ValidationError` if the two names of the hooks do not say the same. */
function hooksOf({ creation_hooks, permissions_assignment }: Values): Values {
  const isTwice = creation_hooks !== undefined && permissions_assignment !== undefined;
  if (isTwice && JSON.stringify(creation_hooks) !== JSON.stringify(permissions_assignment)) {
    throw objectError("Cannot specify both 'permissions_assignment' and 'creation_hooks'.");
  }
  const hooks = creation_hooks ?? permissions_assignment;
  return hooks === undefined ? {} : { creation_hooks: hooks };
}

/** No scoping is written as an empty object. */
function scopingOf({ queryset_scoping: scoping }: Values): Values {
  if (scoping === undefined) return {};
  return { queryset_scoping: Object.keys(scoping as object).length === 0 ? null : scoping };
}

const documentOf = (values: Values): Partial<PolicyDocument> => ({
  ...(values.statements === undefined
    ? {}
    : { statements: values.statements as PolicyDocument["statements"] }),
  ...hooksOf(values),
  ...scopingOf(values),
});

const reset: Action = {
  name: "reset",
  method: "POST",
  on: "object",
  answers: { 200: "AccessPolicyResponse" },
  async run({ ctx }, _values, row) {
    const id = String(keyOf(row));
    await resetPolicy(ctx, id, String(row.viewset_name));
    return { kind: "object", id, status: 200 };
  },
};

/** `access_policies/`: read, changed and reset, never made (core-rest §7.5). */
export const accessPolicy = defineResource({
  path: "access_policies",
  label: "core",
  model: "AccessPolicy",
  title: "access policy",
  key: "uuid",
  source: { from: "access_policy e", domain: null },
  fields,
  filters: {
    ...textFilters("viewset_name", "e.viewset_name", NAME),
    ...booleanFilter("customized", "e.customized"),
  },
  orderings: {
    pulp_id: "e.id",
    pulp_created: "e.created",
    pulp_last_updated: "e.updated",
    creation_hooks: "e.creation_hooks",
    customized: "e.customized",
    queryset_scoping: "e.queryset_scoping",
    statements: "e.statements",
    viewset_name: "e.viewset_name",
  },
  operations: {
    list: true,
    read: true,
    update: {
      mode: "sync",
      isAlwaysChange: true,
      check: (_run, values) => void hooksOf(values),
      apply: ({ ctx }, row, changes) => updatePolicy(ctx, String(keyOf(row)), documentOf(changes)),
    },
  },
  actions: [reset],
});
