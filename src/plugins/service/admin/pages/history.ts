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

const CURSOR = /^(20\d\d-[01]\d-[0-3]\d [0-2]\d:[0-5]\d:[0-5]\d\.\d{6})~([\da-f-]{36})$/;

/** One page and one entry more, by the index of objects. */
async function entriesOf({ call, query }: Visit, object: string): Promise<readonly EntryRow[]> {
  const [, created, id] = CURSOR.exec(query.before ?? "") ?? [];
  const older =
    created === undefined || Number.isNaN(Date.parse(`${created.replace(" ", "T")}Z`))
      ? sql`true`
      : sql`(e.created, e.id::text) < (${`${created}Z`}::timestamptz, ${id})`;
  const { rows } = await sql<EntryRow>`
    select e.id, ${sql.raw(timeText("e.created"))} as created, e.username, e.authenticated_by,
      e.operation, e.outcome
    from audit_entry e where e.object_prn = ${object} and ${older}
    order by e.created desc, e.id desc limit ${PAGE_ROWS + 1}`.execute(call.ctx.db);
  return rows;
}
