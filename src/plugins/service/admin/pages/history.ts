import { prn } from "#base/prn.ts";
import { sql } from "#sdk";
import { frame } from "../frame.ts";
import { html } from "../html.ts";
import type { Model } from "../models/model.ts";
import { listPath, objectPath, pageName, withQuery } from "../paths.ts";
import { table, time, timeText } from "../table.ts";
import type { Page, Visit } from "../visits.ts";
import { foundAt, trailTo } from "./objects.ts";

const PAGE_ROWS = 50;

interface EntryRow {
  readonly id: string;
  readonly created: string;
  readonly username: string | null;
  readonly authenticated_by: string | null;
  readonly operation: string;
  readonly outcome: string;
}

const COLUMNS = ["Time (UTC)", "User", "By", "Operation", "Outcome"];

/** What the audit trail says about an object, newest first, to whoever may see the object. */
export const historyPage = (model: Model): Page => ({
  path: `${listPath(model.name)}:key/history/`,
  name: pageName(model.name, "history"),
  async show(visit) {
    const found = await foundAt(model, visit);
    const entries = await entriesOf(visit, prn(model.prnModel, found.key));
    const rows = entries.slice(0, PAGE_ROWS).map((entry) => ({
      cells: [
        time(entry.created),
        ...[entry.username, entry.authenticated_by, entry.operation, entry.outcome],
      ],
    }));
    const last = entries.length > PAGE_ROWS ? entries[PAGE_ROWS - 1] : undefined;
    const path = objectPath(model.name, found.key, "history");
    const body = html`${
      rows.length > 0
        ? table("Changes, newest first", COLUMNS, rows)
        : html`<p class="empty">The audit trail says nothing about it.</p>`
    }${
      last &&
      html`<nav class="pager" aria-label="Pages"><a href="${withQuery(path, {
        before: `${last.created}~${last.id}`,
      })}" rel="next">Older</a></nav>`
    }`;
    const framed = {
      title: "History",
      body,
      section: listPath(model.name),
      trail: trailTo(model, found),
    };
    return { kind: "page", html: frame(visit, framed) };
  },
});

const CURSOR = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d{6})~([\da-f-]{36})$/;

/** Time and id of an entry in an address; undefined for what is none. */
function cursorIn(text = ""): { readonly created: string; readonly id: string } | undefined {
  const [, second = "", fraction = "", id = ""] = CURSOR.exec(text) ?? [];
  const time = Date.parse(`${second.replace(" ", "T")}Z`);
  // Days that no month has are rolled over by some, and refused by the database.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(second.replace(" ", "T"))) {
    return undefined;
  }
  return { created: `${second}${fraction}Z`, id };
}

/** One page and one entry more, by the index of objects. */
async function entriesOf({ call, query }: Visit, object: string): Promise<readonly EntryRow[]> {
  const cursor = cursorIn(query.before);
  const older = cursor
    ? sql`(e.created, e.id::text) < (${cursor.created}::timestamptz, ${cursor.id})`
    : sql`true`;
  const { rows } = await sql<EntryRow>`
    select e.id, ${sql.raw(timeText("e.created"))} as created, e.username, e.authenticated_by,
      e.operation, e.outcome
    from audit_entry e where e.object_prn = ${object} and ${older}
    order by e.created desc, e.id desc limit ${PAGE_ROWS + 1}`.execute(call.ctx.db);
  return rows;
}
