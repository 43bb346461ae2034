import { createGuard, deleteGuard, updateGuard } from "#core/guards/commands.ts";
import type { GuardPatch } from "#core/guards/types.ts";
import { inTransaction } from "#core/transaction.ts";
import { keyOf } from "../../kit/present.ts";
import { defineResource, type Fields, type Resource, type Values } from "../../kit/resource.ts";
import { roleActions } from "../role-actions.ts";
import { checkNameFree } from "./common.ts";
import { GUARD_FAMILY, guardFields, guardFilters, guardOrderings } from "./guards.ts";

export interface GuardOptions {
  readonly path: string;
  readonly label: string;
  readonly model: string;
  readonly type: string;
  readonly title: string;
  /** Table of the type's own with `id` and `domain`; all of `fields` are its columns then. */
  readonly detail?: string;
  /** Keys on top of those of every guard. */
  readonly fields?: Fields;
  /** The key of `fields` whose value is the ids of the guards that it asks. */
  readonly members?: string;
  /** Roles are given on its objects. */
  readonly hasRoles?: boolean;
}

/** A content guard of one type: all five operations (core-rest §8.9). */
export function contentGuardResource(options: GuardOptions): Resource {
  const { type, detail, fields = {}, members, hasRoles = false, ...names } = options;
  const model = `${names.label}.${names.model}`;
  const join = detail ? ` join ${detail} d on d.domain = e.domain and d.id = e.id` : "";
  const given = (values: Values): GuardPatch => ({
    ...pick(guardFields, values),
    ...(detail ? { detail: { table: detail, row: pick(fields, values) } } : {}),
    ...(members && values[members] ? { members: values[members] as readonly string[] } : {}),
  });
  return defineResource({
    ...names,
    family: GUARD_FAMILY,
    key: "uuid",
    source: { from: `content_guard e${join}`, where: `e.type = '${type}'` },
    fields: { ...guardFields, ...(detail ? ofDetail(fields) : fields) },
    filters: guardFilters,
    orderings: guardOrderings,
    operations: {
      list: true,
      read: true,
      create: {
        mode: "sync",
        check: (run, { name }) => checkNameFree(run, GUARD_FAMILY, { name }),
        apply: ({ ctx, caller: { domain } }, values, made) =>
          inTransaction(ctx, undefined, async (trx) => {
            const guard = { domain, type, ...given(values), name: String(values.name) };
            const id = await createGuard(ctx, guard, trx);
            await made(trx, id);
            return id;
          }),
      },
      update: {
        mode: "sync",
        check: (run, { name }, row) =>
          checkNameFree(run, GUARD_FAMILY, { name, self: String(row.$key) }),
        apply: ({ ctx, caller: { domain } }, row, changes) =>
          updateGuard(ctx, { domain, id: String(keyOf(row)) }, given(changes)),
      },
      delete: {
        mode: "sync",
        apply: ({ ctx, caller: { domain } }, row) =>
          deleteGuard(ctx, { domain, id: String(keyOf(row)) }),
      },
    },
    actions: hasRoles ? roleActions(model) : [],
  });
}

const pick = (fields: Fields, values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(fields, name)));

const ofDetail = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, { sql: `d.${name}`, ...field }]),
  );
