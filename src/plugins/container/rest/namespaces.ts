import { fieldError } from "#base/errors.ts";
import { pdrn, prn } from "#base/prn.ts";
import { uuid7 } from "#base/uuid7.ts";
import {
  boolean,
  defineResource,
  FieldProblem,
  inTransaction,
  labelActions,
  labelSelect,
  labels,
  NAME,
  roleActions,
  sql,
  text,
  textFilters,
} from "#sdk";
import { deleteNamespace } from "../delete-distributions.ts";
import { hasNameCharacters } from "../format/names.ts";
import { NAMESPACES } from "../namespaces.ts";

const MODEL = "container.ContainerNamespace";

function checkName(name: string): string {
  if (name.includes("/") || name.length > 255 || !hasNameCharacters(name))
    throw new FieldProblem("The provided name contains forbidden characters.");
  return name;
}

/** First segments of the names of the registry (plugin-container §3.1). */
export const namespaceResource = defineResource({
  path: NAMESPACES,
  label: "container",
  model: "ContainerNamespace",
  title: "container namespace",
  key: "uuid",
  source: { from: "container_namespace e" },
  fields: {
    name: text({ required: true, check: checkName }),
    pulp_labels: labels,
    private_by_default: boolean({ default: false }),
  },
  filters: { ...textFilters("name", "e.name", NAME), pulp_label_select: labelSelect() },
  orderings: {
    pulp_id: "e.id",
    pulp_created: "e.created",
    pulp_last_updated: "e.updated",
    name: "e.name",
  },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      check: async ({ ctx, caller }, { name }) => {
        const { rows } = await sql`
          select from container_namespace
          where domain = ${caller.domain.num} and name = ${name}`.execute(ctx.db);
        if (rows.length > 0) throw fieldError("name", "This field must be unique.");
      },
      apply: ({ ctx, caller }, { name, pulp_labels: given, private_by_default: isPrivate }, made) =>
        inTransaction(ctx, undefined, async (trx) => {
          const { rows } = await sql<{ id: string }>`
            insert into container_namespace (id, domain, name, labels, private_by_default)
            values (${uuid7()}, ${caller.domain.num}, ${name},
              ${JSON.stringify(given ?? {})}::jsonb, ${isPrivate ?? false})
            on conflict on constraint container_namespace_one_per_name do nothing
            returning id`.execute(trx);
          const [row] = rows;
          if (!row) throw fieldError("name", "This field must be unique.");
          await made(trx, row.id);
          return row.id;
        }),
    },
    update: {
      mode: "sync",
      check: (_run, { name }, row) => {
        if (name !== undefined && name !== row.name)
          throw fieldError(
            "name",
            "A namespace cannot be renamed: its content is addressed by it.",
          );
      },
      apply: async ({ ctx }, { $key }, { pulp_labels: given, private_by_default: isPrivate }) => {
        await sql`
          update container_namespace set updated = clock_timestamp(),
            labels = coalesce(${given === undefined ? null : JSON.stringify(given)}::jsonb, labels),
            private_by_default = coalesce(${isPrivate ?? null}::boolean, private_by_default)
          where id = ${$key}`.execute(ctx.db);
      },
    },
    delete: {
      mode: "deferred",
      locks: ({ caller }, { $key }) => ({
        exclusive: [prn(MODEL, String($key)), pdrn(caller.domain.id, "distributions")],
      }),
      apply: (run, { $key }) => deleteNamespace(run, String($key)),
    },
  },
  actions: [...labelActions("container_namespace"), ...roleActions(MODEL)],
});
