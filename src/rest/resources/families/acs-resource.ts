import { sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import { createAcs, deleteAcs, updateAcs } from "#core/acs/commands.ts";
import type { NewAcs } from "#core/acs/types.ts";
import { updateDetail } from "#core/detail.ts";
import { inTransaction } from "#core/transaction.ts";
import type { Run } from "../../kit/call.ts";
import { type Action, defineResource, type Resource, type Values } from "../../kit/resource.ts";
import { roleActions } from "../role-actions.ts";
import { acsFields, acsFilters, acsOrderings } from "./acs.ts";
import { checkNameFree } from "./common.ts";

export interface AcsOptions {
  readonly path: string;
  readonly label: string;
  readonly model: string;
  readonly type: string;
  readonly title: string;
  /** `refresh` among them. */
  readonly actions: readonly Action[];
}

const TABLE = "alternate_content_source";

/** An alternate content source of one type (core-rest §8.6). */
export const acsResource = (options: AcsOptions): Resource => {
  const { type, actions, ...names } = options;
  return defineResource({
    ...names,
    actions: [...actions, ...roleActions(`${options.label}.${options.model}`.toLowerCase())],
    family: "alternate_content_source",
    key: "uuid",
    source: { from: "alternate_content_source e", where: `e.type = '${type}'` },
    fields: acsFields,
    filters: acsFilters,
    orderings: acsOrderings,
    operations: {
      list: true,
      read: true,
      create: {
        mode: "sync",
        check: async (run, values) => {
          await checkRemote(run, type, values);
          await checkNameFree(run, TABLE, { name: values.name });
        },
        apply: ({ ctx, caller }, { name, remote, paths = [], ...values }, made) =>
          inTransaction(ctx, undefined, async (trx) => {
            const input = { domain: caller.domain, type, name, remote, paths } as NewAcs;
            const id = await createAcs(ctx, input, trx);
            await updateDetail(trx, TABLE, { id, values });
            await made(trx, id);
            return id;
          }),
      },
      update: {
        mode: "task",
        check: async (run, values, row) => {
          await checkRemote(run, type, values);
          await checkNameFree(run, TABLE, { name: values.name, self: String(row.$key) });
        },
        async apply({ ctx, caller }, row, { name, remote, paths, ...values }) {
          const id = String(row.$key);
          const patch = Object.entries({ name, remote, paths }).filter(
            ([, value]) => value !== undefined,
          );
          await updateAcs(ctx, { domain: caller.domain, id, patch: Object.fromEntries(patch) });
          await updateDetail(ctx.db, TABLE, { id, values });
        },
      },
      delete: {
        mode: "task",
        apply: ({ ctx, caller }, row) => deleteAcs(ctx, caller.domain, String(row.$key)),
      },
    },
  });
};

async function checkRemote({ ctx }: Run, type: string, { remote }: Values): Promise<void> {
  if (!remote) return;
  const { rows } = await sql<{ name: string; type: string; policy: string }>`
    select name, type, policy from remote where id = ${remote}`.execute(ctx.db);
  const [found] = rows;
  if (found && found.type !== type) {
    throw fieldError("remote", `Type for Remote '${found.name}' does not match ACS type.`);
  }
  if (found && found.policy !== "on_demand") {
    throw fieldError(
      "remote",
      "Remote used with alternate content source must have the 'on_demand' policy.",
    );
  }
}
