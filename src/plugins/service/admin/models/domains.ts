import { sql } from "#sdk";
import { refuseReserved } from "../../domains/reserved-names.ts";
import type { FieldSpec } from "../fields.ts";
import { type Content, html } from "../html.ts";
import { objectPath } from "../paths.ts";
import { time, timeText, yesNo } from "../table.ts";
import type { Form, Visit } from "../visits.ts";
import {
  type Found,
  holds,
  type ListQuestion,
  type Model,
  namesVisitor,
  ownDomains,
  ownRows,
  rightsOn,
} from "./model.ts";
import { readStore, shownStore, storageClasses } from "./store-field.ts";

const owned = (visit: Visit) => ownRows(visit, sql`e.num in ${ownDomains(visit)}`);

const SOURCES = "content_sources";

/** Domains: those whom a row of domain orgs names by user or group change theirs (service §11). */
export const domains: Model = {
  name: "domain",
  title: "Domain",
  plural: "Domains",
  about: "Where content lives, and how its storage is reached.",
  prnModel: "core.domain",
  columns: ["Name", "Description", "Storage class", "Content source", "Created (UTC)"],
  searches: "name",
  filters: [
    {
      name: SOURCES,
      label: "Content Source Domains",
      kind: "choice",
      choices: [
        ["yes", "Yes"],
        ["no", "No"],
      ],
    },
  ],
  list,
  find,
  form: formOf,
  save,
  remove: ({ desk }, { key }) => desk.remove("domains", key),
  more: linksOf,
};

interface DomainRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly storage_class: string;
  readonly is_source: boolean;
  readonly created: string;
}

const IS_SOURCE = `coalesce(e.labels ->> 'contentsources' = 'true', false)`;

async function list(visit: Visit, { search, filters, after, limit }: ListQuestion) {
  const { rows } = await sql<DomainRow>`
    select e.id, e.name, e.description, e.storage_class, ${sql.raw(IS_SOURCE)} as is_source,
      ${sql.raw(timeText("e.created"))} as created
    from domain e
    where ${owned(visit)} and ${holds(search, ["e.name"])} and ${sourceCondition(filters[SOURCES])}
      and e.name > ${after ?? ""}
    order by e.name limit ${limit}`.execute(visit.call.ctx.db);
  return rows.map(({ id, name, description, storage_class, is_source, created }) => ({
    key: id,
    cursor: name,
    cells: [
      html`<a href="${objectPath("domain", id, "change")}">${name}</a>`,
      description,
      storage_class.split(".").at(-1),
      yesNo(is_source),
      time(created),
    ],
  }));
}

const sourceCondition = (asked: string | undefined) =>
  asked === undefined ? sql`true` : sql`${sql.raw(IS_SOURCE)} = ${asked === "yes"}`;

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

async function find(visit: Visit, key: string): Promise<Found | undefined> {
  if (!UUID.test(key)) return undefined;
  const { rows } = await sql<{ name: string }>`select e.name from domain e
    where e.id = ${key}::uuid and ${owned(visit)}`.execute(visit.call.ctx.db);
  const [row] = rows;
  if (!row) return undefined;
  const shown = await visit.desk.show("domains", key);
  return { key, title: row.name, ...rightsOn("domain", visit), shown };
}

function formOf(visit: Visit, found?: Found): readonly FieldSpec[] {
  const shown = found?.shown ?? {};
  const flag = (name: string, label: string, otherwise: boolean) =>
    ({ kind: "flag", name, label, value: (shown[name] ?? otherwise) === true }) as const;
  return [
    {
      ...{ kind: "text", name: "name", label: "Name", value: found?.title ?? "" },
      ...{ isRequired: true, maxLength: 50, hint: "Letters, digits, hyphens and underscores." },
    },
    {
      ...{ kind: "area", name: "description", label: "Description" },
      value: String(shown.description ?? ""),
    },
    {
      ...{ kind: "choice", name: "storage_class", label: "Storage class" },
      value: String(shown.storage_class ?? ""),
      choices: storageClasses(visit),
    },
    {
      ...{ kind: "area", name: "storage_settings", label: "Storage settings", isCode: true },
      value: shownStore(shown),
      hint: "JSON. What is left out stays as it is, and so does a secret that is shown as ********.",
    },
    flag("redirect_to_object_storage", "Redirect to object storage", true),
    flag("hide_guarded_distributions", "Hide guarded distributions", false),
    {
      ...{ kind: "area", name: "pulp_labels", label: "Labels", isCode: true },
      value: JSON.stringify(shown.pulp_labels ?? {}, null, 2),
      hint: "JSON: texts by their names.",
    },
  ];
}

/** Only what differs is sent on, so what somebody else has changed meanwhile stays. */
async function save(visit: Visit, form: Form, found?: Found) {
  const typed = {
    name: form.name?.trim() ?? "",
    description: newLines(form.description),
    storage_class: form.storage_class ?? "",
    redirect_to_object_storage: form.redirect_to_object_storage !== undefined,
    hide_guarded_distributions: form.hide_guarded_distributions !== undefined,
    pulp_labels: form.pulp_labels ?? "",
  };
  const store = readStore(form.storage_settings);
  const title = typed.name;
  if (!visit.user.isSuperuser && title !== found?.title) refuseReserved(title);
  if (!found) {
    const values = { ...typed, storage_settings: store };
    return { key: String(await visit.desk.create("domains", values)), title };
  }
  const before = { ...found.shown, description: found.shown.description ?? "" };
  const changed = Object.entries(typed).filter(
    ([name, value]) => (before as Readonly<Record<string, unknown>>)[name] !== value,
  );
  const values = { ...Object.fromEntries(changed), ...changedStore(form, found, store) };
  return { key: found.key, title, outcome: await visit.desk.change("domains", found.key, values) };
}

/** Browsers send line ends of their own. */
const newLines = (text = ""): string => text.replaceAll("\r\n", "\n");

const changedStore = (form: Form, { shown }: Found, store: object) =>
  newLines(form.storage_settings).trim() === shownStore(shown) &&
  form.storage_class === shown.storage_class
    ? {}
    : { storage_settings: store };

interface OrgLink {
  readonly id: number;
  readonly who: string;
}

const MOST_LINKS = 50;

/** The domain in the API, and the rows that give it away. */
async function linksOf(visit: Visit, { key, shown }: Found): Promise<Content> {
  const { rows } = await sql<OrgLink>`
    select e.id, concat_ws(', ', u.username, g.name, e.org_id) as who
    from domain d join service_domain_org_domain l on l.domain = d.num
    join service_domain_org e on e.id = l.domain_org
    left join app_user u on u.id = e.app_user left join app_group g on g.id = e.app_group
    where d.id = ${key}::uuid and ${ownRows(visit, namesVisitor(visit, "e"))}
    order by e.id limit ${MOST_LINKS}`.execute(visit.call.ctx.db);
  const links = rows.map(
    ({ id, who }) =>
      html`<li><a href="${objectPath("domainorg", id, "change")}">Domain org ${id}</a> (${who})</li>`,
  );
  return html`<h2>API</h2><p><a href="${String(shown.pulp_href)}">${String(shown.pulp_href)}</a></p>
<h2>Domain orgs</h2>${links.length > 0 ? html`<ul>${links}</ul>` : html`<p>None.</p>`}`;
}
