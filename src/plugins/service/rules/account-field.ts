import { isUuid } from "#base/uuid7.ts";
import { FieldProblem, sql, text } from "#sdk";
import { domainHref } from "../domain-href.ts";

type Field = ReturnType<typeof text>;
type Run = Parameters<NonNullable<Field["check"]>>[1];

const PATH = "rh_service_account/";

/** Key of an account by its href or PRN. @throws `FieldProblem` with the wire's texts. */
function keyIn(value: string, { view }: Run): string {
  const prn = /^prn:service\.rhserviceaccount:(.*)$/.exec(value)?.[1];
  if (prn !== undefined) {
    if (!isUuid(prn)) throw new FieldProblem(`PK invalid: ${prn}`);
    return prn;
  }
  const path = value.replace(/^https?:\/\/[^/]+/, "");
  const start = domainHref(view, view.domain, PATH);
  const key = path.startsWith(start) ? path.slice(start.length).replace(/\/$/, "") : "";
  if (!isUuid(key)) throw new FieldProblem("Invalid hyperlink - No URL match.");
  return key;
}

/** A service account of the domain, by its address; the value kept is its id. */
export const accountField = text(
  {
    nullable: true,
    sql: "e.service_account",
    read: ({ service_account: id }, view) =>
      typeof id === "string" ? domainHref(view, view.domain, `${PATH}${id}/`) : null,
    async check(value: string, run) {
      const key = keyIn(value, run);
      const { rows } = await sql`select from service_account
        where domain = ${run.caller.domain.num} and id = ${key}`.execute(run.ctx.db);
      if (rows.length === 0) throw new FieldProblem("Invalid hyperlink - Object does not exist.");
      return key;
    },
  },
  { format: "uri" },
);
