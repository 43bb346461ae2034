import { createGuard, deleteGuard, updateGuard } from "#core/guards/commands.ts";
import { COMPOSITE_GUARD, HEADER_GUARD, RBAC_GUARD, REDIRECT_GUARD } from "#core/guards/models.ts";
import type { GuardDetails, GuardModel, GuardPatch } from "#core/guards/types.ts";
import type { Run } from "../../kit/call.ts";
import { list, text } from "../../kit/fields.ts";
import { keyOf } from "../../kit/present.ts";
import { resolveRelation } from "../../kit/references.ts";
import {
  defineResource,
  type Field,
  FieldProblem,
  type Fields,
  type Resource,
  type Source,
  type Values,
} from "../../kit/resource.ts";
import { entityHref, globalHref } from "../../kit/view.ts";
import { roleActions } from "../role-actions.ts";
import { checkNameFree } from "./common.ts";
import { GUARD_FAMILY, guardFields, guardFilters, guardOrderings } from "./guards.ts";

/** Each member of a composite may cost a statement per download. */
const MAX_MEMBERS = 100;

interface GuardOptions {
  readonly model: GuardModel;
  readonly title: string;
  /** Keys on top of those of every guard. */
  readonly fields?: Fields;
  readonly source?: Partial<Source>;
  /** Ends of the names of the roles that the maker gets. */
  readonly roles?: readonly string[];
  /** What of the values belongs to the type. */
  details?(values: Values): GuardDetails | Pick<GuardPatch, "header" | "members">;
}

/** A content guard of one type of the core (core-rest §8.9). */
function guardResource(options: GuardOptions): Resource {
  const { model, title, fields = {}, source, roles = ["owner"], details = () => ({}) } = options;
  const key = model.model.toLowerCase();
  const maker = { model: key, roles: roles.map((role) => `${key}_${role}`) };
  return defineResource({
    path: model.path,
    label: "core",
    model: model.model.replace("core.", ""),
    family: GUARD_FAMILY,
    title,
    key: "uuid",
    source: { from: "content_guard e", where: `e.type = '${model.type}'`, ...source },
    fields: { ...guardFields, ...fields },
    filters: guardFilters,
    orderings: guardOrderings,
    operations: {
      list: true,
      read: true,
      create: {
        mode: "sync",
        check: (run, { name }) => checkNameFree(run, GUARD_FAMILY, { name }),
        apply({ ctx, caller }, values) {
          const { domain, user } = caller;
          const common = { domain, type: model.type, ...named(values), name: String(values.name) };
          const guard = { ...common, ...(details(values) as GuardDetails) };
          return createGuard(ctx, guard, { ...maker, user });
        },
      },
      update: {
        mode: "sync",
        check: (run, { name }, row) =>
          checkNameFree(run, GUARD_FAMILY, { name, self: String(row.$key) }),
        apply: ({ ctx, caller: { domain } }, row, changes) =>
          updateGuard(
            ctx,
            { domain, id: String(keyOf(row)) },
            { ...named(changes), ...details(changes) },
          ),
      },
      delete: {
        mode: "sync",
        apply: ({ ctx, caller: { domain } }, row) =>
          deleteGuard(ctx, { domain, id: String(keyOf(row)) }),
      },
    },
    actions: roleActions(model.model),
  });
}

const picked = (values: Values, names: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));

const named = (values: Values): Pick<GuardPatch, "name" | "description"> =>
  picked(values, ["name", "description"]);

/** RFC 9110 §5.6.2: what a header may be called. */
function checkHeaderName(name: string): string {
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return name;
  throw new FieldProblem("Enter a valid header name.");
}

async function checkFilter(program: string, { ctx }: Run): Promise<string> {
  const problem = await ctx.jq.problem(program);
  if (problem === undefined) return program;
  throw new FieldProblem(`Enter a valid jq filter: ${problem}.`);
}

const headerGuard = guardResource({
  model: HEADER_GUARD,
  title: "header content guard",
  source: {
    from: "content_guard e join header_guard d on d.domain = e.domain and d.id = e.id",
  },
  fields: {
    header_name: text({ required: true, sql: "d.header_name", check: checkHeaderName }),
    header_value: text({ required: true, sql: "d.header_value" }),
    jq_filter: text({ nullable: true, sql: "d.jq_filter", check: checkFilter }),
  },
  details: (values) => ({ header: picked(values, ["header_name", "header_value", "jq_filter"]) }),
});

/** Ids of the named guards, each once, in the order of the request. */
async function memberIds(hrefs: readonly string[], run: Run): Promise<readonly string[]> {
  if (hrefs.length > MAX_MEMBERS) {
    throw new FieldProblem(`Ensure this field has no more than ${MAX_MEMBERS} elements.`);
  }
  const ids = new Set<string>();
  for (const href of hrefs) ids.add(await resolveRelation(run, href, { to: GUARD_FAMILY }));
  return [...ids];
}

const members: Field = {
  ...list(
    { type: "string", format: "uri", nullable: true },
    { check: memberIds, accepts: { type: "array", items: { type: "string" } } },
  ),
  sql: `(select coalesce(jsonb_agg(m.guard order by m.position), '[]') from composite_guard_member m
    where m.domain = e.domain and m.composite = e.id)`,
  columns: {
    guards$type: `(select coalesce(jsonb_agg(g.type order by m.position), '[]')
      from composite_guard_member m join content_guard g on g.domain = m.domain and g.id = m.guard
      where m.domain = e.domain and m.composite = e.id)`,
  },
  read: ({ guards, guards$type: types }, view) =>
    (guards as readonly string[]).map((id, at) =>
      entityHref(view, GUARD_FAMILY, String((types as readonly string[])[at]), id),
    ),
};

const compositeGuard = guardResource({
  model: COMPOSITE_GUARD,
  title: "composite content guard",
  fields: { guards: members },
  details: ({ guards }) => (guards === undefined ? {} : { members: guards as readonly string[] }),
});

const redirectGuard = guardResource({
  model: REDIRECT_GUARD,
  title: "content redirect content guard",
});

interface Holder {
  readonly id: number;
  readonly name: string;
}

/** Who may download by roles given on the guard. */
const holders = (table: string, name: string, subject: string): string =>
  `(select coalesce(jsonb_agg(distinct jsonb_build_object('id', h.id, 'name', h.${name})), '[]')
    from role_assignment a join role_permission p on p.role = a.role
    join ${table} h on h.id = ${subject}
    where a.object = e.id and p.permission = 'core.download_rbaccontentguard')`;

const rbacGuard = guardResource({
  model: RBAC_GUARD,
  title: "RBAC content guard",
  roles: ["owner", "downloader"],
  fields: {
    users: {
      ...list({ ref: "GroupUserResponse" }, { readOnly: true }),
      sql: holders("app_user", "username", "a.subject"),
      read: ({ users }, view) =>
        (users as readonly Holder[]).map(({ id, name }) => ({
          username: name,
          pulp_href: globalHref(view, `users/${id}/`),
          prn: `prn:auth.user:${id}`,
        })),
    },
    groups: {
      ...list({ ref: "GroupResponse" }, { readOnly: true }),
      sql: holders("app_group", "name", "-a.subject"),
      read: ({ groups }, view) =>
        (groups as readonly Holder[]).map(({ id, name }) => ({
          name,
          pulp_href: globalHref(view, `groups/${id}/`),
          prn: `prn:core.group:${id}`,
          id,
        })),
    },
  },
});

export const coreGuardResources: readonly Resource[] = [
  rbacGuard,
  headerGuard,
  redirectGuard,
  compositeGuard,
];
