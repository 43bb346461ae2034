import { sql } from "kysely";
import { objectError } from "#base/errors.ts";
import { giveRole, takeRole } from "#core/access/commands.ts";
import type { NewAssignment, RoleObject } from "#core/access/types.ts";
import { type Address, parseAddress } from "../kit/address.ts";
import { modelKey } from "../kit/api-index.ts";
import type { Run } from "../kit/call.ts";
import { list, text } from "../kit/fields.ts";
import { type Filter, FilterProblem } from "../kit/filters/filter.ts";
import { textFilters } from "../kit/filters/lookups.ts";
import { keyOf } from "../kit/present.ts";
import {
  defineResource,
  FieldProblem,
  type Fields,
  type Resource,
  type Row,
  type Values,
} from "../kit/resource.ts";
import { addressedObject, roleObjectAddress, roleObjectOf } from "../kit/role-object.ts";
import { globalHref, type View } from "../kit/view.ts";
import { group } from "./groups.ts";
import { user } from "./users.ts";

/** @throws `FieldProblem` unless it is the address of an object that carries roles. */
async function objectAt(text: string, run: Run): Promise<RoleObject> {
  const address = parseAddress(text, run.view);
  const object = address && (await addressedObject(run, address));
  if (!object) throw new FieldProblem(`Invalid value: ${text}.`);
  return object;
}

/** Number of a domain. @throws `FieldProblem`. */
async function domainAt(text: string, run: Run): Promise<number> {
  const address = parseAddress(text, run.view);
  if (!address) throw new FieldProblem("Invalid hyperlink - No URL match.");
  if (modelKey(address.resource) !== "core.domain") {
    throw new FieldProblem("Invalid hyperlink - Incorrect URL match.");
  }
  const domain = await run.ctx.db
    .selectFrom("domain")
    .select("num")
    .where("id", "=", address.key)
    .executeTakeFirst();
  if (!domain) throw new FieldProblem("Invalid hyperlink - Object does not exist.");
  return domain.num;
}

const addressOf = (row: Row, view: View) =>
  typeof row.object$id === "string"
    ? roleObjectAddress(view, {
        model: String(row.object$model),
        id: row.object$id,
        domain: row.object$domain as string | null,
      })
    : undefined;

const fields: Fields = {
  role: text({ required: true, sql: "r.name" }),
  content_object: {
    ...text({ nullable: true, check: objectAt }),
    sql: "null::text",
    columns: { object$id: "e.object", object$model: "k.name", object$domain: "d.name" },
    read: (row, view) => addressOf(row, view)?.href ?? null,
  },
  content_object_prn: {
    ...text({ nullable: true, check: objectAt }),
    sql: "null::text",
    read: (row, view) => addressOf(row, view)?.prn ?? null,
  },
  description: text({ readOnly: true, mayBeNull: true, sql: "r.description" }),
  permissions: {
    ...list({ type: "string" }, { readOnly: true }),
    sql: `(select coalesce(jsonb_agg(p.permission order by p.permission), '[]')
      from role_permission p where p.role = e.role)`,
  },
  domain: {
    schema: { type: "string", format: "uri" },
    nullable: true,
    check: domainAt,
    sql: "case when e.object is null then d.id end",
    read: ({ domain }, view) =>
      typeof domain === "string" ? globalHref(view, `domains/${domain}/`) : null,
  },
};

const NO_OBJECT =
  "Either 'content_object' or 'content_object_prn' needs to be specified. Use 'null' for global or domain level access.";

/** @throws `ValidationError` unless it says for which object, or that it is for none. */
function levelOf(values: Values): Pick<NewAssignment, "domain" | "object"> {
  const { content_object: byHref, content_object_prn: byPrn, domain } = values;
  if (byHref === undefined && byPrn === undefined) throw objectError(NO_OBJECT);
  const object = (byHref ?? byPrn ?? undefined) as RoleObject | undefined;
  const isDomain = typeof domain === "number";
  if (object && isDomain) throw objectError("Domain and content_object are mutually exclusive.");
  return { ...(object ? { object } : {}), ...(isDomain ? { domain } : {}) };
}

/** The address that a filter names. @throws `FilterProblem`. */
function filteredAddress(value: string, run: Run): Address {
  const address = parseAddress(value, run.view);
  if (!address) throw new FilterProblem(`URI couldn't be resolved: ${value}`, { isBare: true });
  return address;
}

const objectFilter: Filter = {
  schema: { type: "string" },
  description: "Filter by the href or PRN of the object; null asks for roles on none",
  condition: (value, run) => {
    if (value === "null") return sql`e.object is null`;
    const { resource, key } = filteredAddress(value, run);
    const { model, id } = roleObjectOf(resource, run, key);
    return sql`(e.object = ${id}::uuid and k.name = ${model})`;
  },
};

const domainFilter: Filter = {
  schema: { type: "string", format: "uuid" },
  description: "Filter by the href or PRN of the domain; null asks for roles in none",
  takesEmpty: true,
  condition: (value, run) => {
    if (value === "null" || value === "") {
      return sql`(e.object is not null or e.domain is null)`;
    }
    const { resource, key } = filteredAddress(value, run);
    if (modelKey(resource) !== "core.domain") {
      const text = `URI/PRN is not a valid href for domain model: ${value}`;
      throw new FilterProblem(text, { isBare: true });
    }
    return sql`(e.object is null and d.id = ${key}::uuid)`;
  },
};

/** Who holds the roles: users and groups differ in the sign of their number there. */
interface Holder {
  readonly parent: Resource;
  readonly model: string;
  readonly title: string;
  readonly parameter: string;
  readonly sign: 1 | -1;
}

const roleResource = ({ parent, model, title, parameter, sign }: Holder): Resource =>
  defineResource({
    path: "roles",
    parent,
    parameters: { parent: parameter },
    label: "core",
    model,
    title,
    key: "uuid",
    source: {
      from: `role_assignment e join role r on r.num = e.role
        left join object_kind k on k.num = e.kind left join domain d on d.num = e.domain`,
      where: sign > 0 ? "e.subject > 0" : "e.subject < 0",
      parent: sign > 0 ? "e.subject" : "(-e.subject)",
      domain: null,
    },
    addressColumns: { subject$id: "abs(e.subject)" },
    address: (row, view) =>
      globalHref(view, `${parent.path}/${row.subject$id}/roles/${keyOf(row)}/`),
    fields,
    filters: {
      ...textFilters("role", "r.name", ["exact", "in", "contains", "icontains", "startswith"]),
      content_object: objectFilter,
      domain: domainFilter,
    },
    orderings: { description: "r.description", pulp_created: "e.created", role: "r.name" },
    operations: {
      list: true,
      read: true,
      create: {
        mode: "sync",
        async run({ ctx }, values, holder) {
          const subject = sign * Number(keyOf(holder));
          const id = await giveRole(ctx, {
            subject,
            role: String(values.role),
            ...levelOf(values),
          });
          return { kind: "object", id, status: 201 };
        },
      },
      delete: {
        mode: "sync",
        apply: ({ ctx }, row) => takeRole(ctx, String(keyOf(row))),
      },
    },
  });

/** `users/<id>/roles/` (core-rest §7.5). */
export const userRole = roleResource({
  parent: user,
  model: "UserRole",
  title: "role of a user",
  parameter: "user_pk",
  sign: 1,
});

/** `groups/<id>/roles/` */
export const groupRole = roleResource({
  parent: group,
  model: "GroupRole",
  title: "role of a group",
  parameter: "group_pk",
  sign: -1,
});
