import { fieldError } from "#base/errors.ts";
import { sql } from "#sdk";
import { type FieldSpec, linesOf } from "../fields.ts";
import { type Content, html } from "../html.ts";
import { objectPath } from "../paths.ts";
import type { Form, Visit } from "../visits.ts";
import {
  type Found,
  groupsOf,
  holds,
  type ListQuestion,
  type Model,
  namesVisitor,
  numberKey,
  ownDomains,
  ownRows,
  rightsOn,
} from "./model.ts";

/** Domains that a row of the list names. */
const MOST_NAMED = 20;
/** Names that a form offers. */
const MOST_OFFERED = 100;

const owned = (visit: Visit) => ownRows(visit, namesVisitor(visit, "e"));

/** Which users, groups and organisations have which domains (service §5.1, §11). */
export const domainOrgs: Model = {
  name: "domainorg",
  title: "Domain org",
  plural: "Domain orgs",
  about: "Which users, groups and organisations have which domains.",
  prnModel: "service.domainorg",
  columns: ["Row", "User", "Organisation", "Group", "Domains"],
  searches: "user, organisation or group",
  list,
  find,
  form: formOf,
  save,
  remove: ({ desk }, { key }) => desk.remove("domain_orgs", key),
};

interface OrgRow {
  readonly id: number;
  readonly org_id: string | null;
  readonly username: string | null;
  readonly group_name: string | null;
  readonly domains: readonly { readonly id: string; readonly name: string }[];
}

async function list(visit: Visit, { search, after, limit }: ListQuestion) {
  const { rows } = await sql<OrgRow>`
    select e.id, e.org_id, u.username, g.name as group_name, (
      select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'name', d.name)), '[]') from (
        select d.id, d.name from service_domain_org_domain l join domain d on d.num = l.domain
        where l.domain_org = e.id order by d.name limit ${MOST_NAMED + 1}) d) as domains
    from service_domain_org e left join app_user u on u.id = e.app_user
    left join app_group g on g.id = e.app_group
    where ${owned(visit)} and ${holds(search, ["u.username", "e.org_id", "g.name"])}
      and e.id > ${numberKey(after ?? "") ?? 0}
    order by e.id limit ${limit}`.execute(visit.call.ctx.db);
  return rows.map((row) => ({
    key: String(row.id),
    cursor: String(row.id),
    cells: [
      html`<a href="${objectPath("domainorg", row.id, "change")}">Domain org ${row.id}</a>`,
      row.username,
      row.org_id,
      row.group_name,
      domainLinks(row.domains),
    ],
  }));
}

function domainLinks(domains: OrgRow["domains"]): Content {
  const links = domains
    .slice(0, MOST_NAMED)
    .map(
      ({ id, name }, at) =>
        html`${at > 0 && ", "}<a href="${objectPath("domain", id, "change")}">${name}</a>`,
    );
  if (links.length === 0) return null;
  return [links, domains.length > MOST_NAMED && " and more"];
}

async function find(visit: Visit, key: string): Promise<Found | undefined> {
  const id = numberKey(key);
  const { rows } = await sql`select from service_domain_org e
    where e.id = ${id ?? null} and ${owned(visit)}`.execute(visit.call.ctx.db);
  if (rows.length === 0) return undefined;
  const shown = await visit.desk.show("domain_orgs", key);
  return { key, title: `Domain org ${key}`, ...rightsOn("domainorg", visit), shown };
}

const textIn = (found: Found | undefined, name: string): string => String(found?.shown[name] ?? "");
const domainsIn = (found?: Found): readonly string[] =>
  (found?.shown.domains ?? []) as readonly string[];

async function formOf(visit: Visit, found?: Found): Promise<readonly FieldSpec[]> {
  const { user, call } = visit;
  const offered = user.isSuperuser ? [] : await domainNames(visit);
  const ownGroups = user.isSuperuser ? [] : call.rights.groups;
  return [
    {
      ...{ kind: "text", name: "user", label: "User", value: textIn(found, "user") },
      hint: user.isSuperuser ? "A user name." : "You, or somebody with whom you share a group.",
    },
    {
      kind: "text",
      name: "org_id",
      label: "Organisation",
      value: textIn(found, "org_id"),
      maxLength: 150,
    },
    {
      ...{ kind: "text", name: "group", label: "Group", value: textIn(found, "group") },
      hint: hintOf("The name of a group.", ownGroups),
    },
    {
      ...{ kind: "area", name: "domains", label: "Domains", value: domainsIn(found).join("\n") },
      hint: hintOf("Names of domains, one a line.", offered),
    },
  ];
}

const hintOf = (text: string, names: readonly string[]): string =>
  names.length === 0 ? text : `${text} Yours: ${names.slice(0, MOST_OFFERED).join(", ")}.`;

/** The first of them. */
async function domainNames(visit: Visit): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select d.name from domain d
    where d.num in ${ownDomains(visit)} order by d.name limit ${MOST_OFFERED}`.execute(
    visit.call.ctx.db,
  );
  return rows.map(({ name }) => name);
}

async function save(visit: Visit, form: Form, found?: Found) {
  const { user = "", org_id = "", group = "", domains } = form;
  const values = { user, org_id, group, domains: linesOf(domains) };
  if (!visit.user.isSuperuser) await checkChoices(visit, values, found);
  if (found) {
    await visit.desk.change("domain_orgs", found.key, values);
    return found;
  }
  const key = String(await visit.desk.create("domain_orgs", values));
  return { key, title: `Domain org ${key}` };
}

interface Chosen {
  readonly user: string;
  readonly group: string;
  readonly domains: readonly string[];
}

/**
 * Tenants choose among what is theirs, and may leave what is there. Of what is not theirs they do not
 * learn whether it is there.
 *
 * @throws `ValidationError`
 */
async function checkChoices(visit: Visit, chosen: Chosen, found?: Found): Promise<void> {
  const user = chosen.user.trim();
  const group = chosen.group.trim();
  const isNewUser = user !== "" && user !== textIn(found, "user") && user !== visit.user.username;
  if (isNewUser && !(await sharesGroup(visit, user))) {
    throw fieldError("user", `You share no group with '${user}'.`);
  }
  const isNewGroup = group !== "" && group !== textIn(found, "group");
  if (isNewGroup && !visit.call.rights.groups.includes(group)) {
    throw fieldError("group", `You are not a member of '${group}'.`);
  }
  const added = chosen.domains.filter((name) => !domainsIn(found).includes(name));
  if (added.length === 0) return;
  const { rows } = await sql<{ name: string }>`select d.name from domain d
    where d.name = any(${added}::text[]) and d.num in ${ownDomains(visit)}`.execute(
    visit.call.ctx.db,
  );
  const foreign = added.find((name) => !rows.some((row) => row.name === name));
  if (foreign !== undefined)
    throw fieldError("domains", `You do not have the domain '${foreign}'.`);
}

async function sharesGroup(visit: Visit, username: string): Promise<boolean> {
  const { rows } = await sql`select from app_user u join group_member m on m.app_user = u.id
    where u.username = ${username} and m.app_group = any(${groupsOf(visit)}::int[])
    limit 1`.execute(visit.call.ctx.db);
  return rows.length > 0;
}
