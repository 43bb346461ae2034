import { mayAdminister, mayEnter } from "../../access/admin-rights.ts";
import { adminErrors } from "../errors.ts";
import { frame } from "../frame.ts";
import { type Content, type Html, html } from "../html.ts";
import type { FilterSpec, Model } from "../models/model.ts";
import { addPath, listPath, pageName, SITE, withQuery } from "../paths.ts";
import { type ListRow, table } from "../table.ts";
import type { Form, Page } from "../visits.ts";

const PAGE_ROWS = 50;
const MOST_CHARACTERS = 200;

/** A list with search, filters and pages, which go on after a row, however long the list is. */
export const listPage = (model: Model): Page => ({
  path: listPath(model.name),
  name: pageName(model.name, "list"),
  async show(visit) {
    const { user, query } = visit;
    const { isSuperuser } = user;
    if (!mayEnter(model.name, isSuperuser)) throw adminErrors.forbidden();
    const { given, problems } = filtersIn(model, query);
    const search = (query.q ?? "").trim().slice(0, MOST_CHARACTERS);
    const question = { search, filters: given, after: query.after, limit: PAGE_ROWS + 1 };
    const rows = problems.length > 0 ? [] : await model.list(visit, question);
    const path = listPath(model.name);
    const mayAdd = mayAdminister(model.name, "add", { isSuperuser, isOwner: false });
    const body = html`${
      mayAdd &&
      html`<p><a class="button" href="${addPath(model.name)}">Add a ${model.title.toLowerCase()}</a></p>`
    }${questions(model, query)}${problems.map(
      (text) => html`<p class="problems" role="alert">${text}</p>`,
    )}${found(model, rows)}${pager(path, query, rows)}`;
    const framed = { title: model.plural, body, section: path, trail: [["Home", SITE]] as const };
    return { kind: "page", status: problems.length > 0 ? 400 : 200, html: frame(visit, framed) };
  },
});

/** The filters of the address, and what is wrong with them. */
function filtersIn({ filters = [] }: Model, query: Form) {
  const given: Record<string, string> = {};
  const problems: string[] = [];
  for (const filter of filters) {
    const value = query[filter.name]?.trim() ?? "";
    if (value === "") continue;
    if (isGood(filter, value)) given[filter.name] = value;
    else
      problems.push(`${filter.label}: '${value.slice(0, MOST_CHARACTERS)}' is not a valid choice.`);
  }
  return { given, problems };
}

function isGood({ kind, choices = [] }: FilterSpec, value: string): boolean {
  switch (kind) {
    case "choice":
      return choices.some(([one]) => one === value);
    case "date":
      return isDay(value);
    case "text":
      return value.length <= MOST_CHARACTERS && !value.includes("\0");
    default:
      return kind satisfies never;
  }
}

/** A day of the calendar that the database knows too. */
const isDay = (text: string): boolean =>
  /^(19|20|21)\d\d-\d\d-\d\d$/.test(text) &&
  !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) &&
  new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);

function questions({ name, searches, filters = [] }: Model, query: Form): Html {
  const path = listPath(name);
  const isAsked = ["q", ...filters.map((filter) => filter.name)].some((one) => query[one]);
  return html`<form class="bar" role="search" method="get" action="${path}">
<div class="field"><label for="q">Search by ${searches}</label>
<input type="search" id="q" name="q" value="${query.q}" maxlength="${MOST_CHARACTERS}"></div>
${filters.map((filter) => filterOf(filter, query[filter.name] ?? ""))}
<button>Search</button>${isAsked && html`<a href="${path}">Show all</a>`}</form>`;
}

function filterOf({ name, label, kind, choices = [] }: FilterSpec, value: string): Html {
  const id = `filter-${name}`;
  const control =
    kind === "choice"
      ? html`<select id="${id}" name="${name}"><option value="">All</option>${choices.map(
          ([one, text]) =>
            html`<option value="${one}"${one === value && html` selected`}>${text}</option>`,
        )}</select>`
      : html`<input type="${kind}" id="${id}" name="${name}" value="${value}">`;
  return html`<div class="field"><label for="${id}">${label}</label>${control}</div>`;
}

function found({ plural, columns }: Model, rows: readonly ListRow[]): Html {
  if (rows.length === 0) return html`<p class="empty">There is nothing here.</p>`;
  return table(plural, columns, rows.slice(0, PAGE_ROWS));
}

function pager(path: string, { after, ...query }: Form, rows: readonly ListRow[]): Content {
  const last = rows.length > PAGE_ROWS ? rows[PAGE_ROWS - 1] : undefined;
  if (!last && after === undefined) return false;
  return html`<nav class="pager" aria-label="Pages">${
    after !== undefined && html`<a href="${withQuery(path, query)}">First page</a>`
  }${last && html`<a href="${withQuery(path, { ...query, after: last.cursor })}" rel="next">Next page</a>`}</nav>`;
}
