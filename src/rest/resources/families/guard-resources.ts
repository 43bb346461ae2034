import { COMPOSITE_GUARD, HEADER_GUARD, RBAC_GUARD, REDIRECT_GUARD } from "#core/guards/models.ts";
import type { GuardModel } from "#core/guards/types.ts";
import type { Run } from "../../kit/call.ts";
import { list, text } from "../../kit/fields.ts";
import { resolveRelation } from "../../kit/references.ts";
import { type Field, FieldProblem, type Resource } from "../../kit/resource.ts";
import { entityHref, globalHref } from "../../kit/view.ts";
import { contentGuardResource } from "./guard-resource.ts";
import { GUARD_FAMILY } from "./guards.ts";

/** Each member of a composite may cost a statement per download. */
const MAX_MEMBERS = 100;

const names = ({ type, model, path }: GuardModel, title: string) => ({
  ...{ label: "core", type, model: model.replace("core.", ""), path, title },
});

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

const headerGuard = contentGuardResource({
  ...names(HEADER_GUARD, "header content guard"),
  hasRoles: true,
  detail: "header_guard",
  fields: {
    header_name: text({ required: true, check: checkHeaderName }),
    header_value: text({ required: true }),
    jq_filter: text({ nullable: true, check: checkFilter }),
  },
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

const compositeGuard = contentGuardResource({
  ...names(COMPOSITE_GUARD, "composite content guard"),
  hasRoles: true,
  fields: { guards: members },
  members: "guards",
});

const redirectGuard = contentGuardResource({
  ...names(REDIRECT_GUARD, "content redirect content guard"),
  hasRoles: true,
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

const rbacGuard = contentGuardResource({
  ...names(RBAC_GUARD, "RBAC content guard"),
  hasRoles: true,
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
