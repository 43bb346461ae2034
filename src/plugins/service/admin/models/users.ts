import { fieldError } from "#base/errors.ts";
import { sql } from "#sdk";
import { button } from "../buttons.ts";
import type { FieldSpec } from "../fields.ts";
import { html } from "../html.ts";
import { ACQUIRE, objectPath } from "../paths.ts";
import { time, timeText, yesNo } from "../table.ts";
import type { Form, Visit } from "../visits.ts";
import {
  type FilterSpec,
  type Found,
  holds,
  type ListQuestion,
  type Model,
  numberKey,
  ownRows,
  rightsOn,
} from "./model.ts";

const YES_NO = [
  ["yes", "Yes"],
  ["no", "No"],
] as const;

const FLAGS = ["is_active", "is_staff", "is_superuser"] as const;

const LABELS = { is_active: "Active", is_staff: "Staff", is_superuser: "Superuser" } as const;

const filters: readonly FilterSpec[] = FLAGS.map((name) => ({
  ...{ name, label: LABELS[name], kind: "choice", choices: YES_NO },
}));

/** Users, for superusers (service §4, §11). */
export const users: Model = {
  name: "user",
  title: "User",
  plural: "Users",
  about: "Who is known here.",
  prnModel: "auth.user",
  columns: ["Name", "E-mail", "Active", "Staff", "Superuser", "Last log-in (UTC)", "Act as"],
  searches: "name or e-mail",
  filters,
  list,
  find,
  form: formOf,
  save,
  async remove({ desk, user }, { key }) {
    if (Number(key) === user.id) throw fieldError("", "You cannot delete yourself.");
    return desk.remove("users", key);
  },
  more: (visit, { key, title, shown }) =>
    shown.is_active === true &&
    mayActAs(visit, Number(key)) &&
    html`<h2>Act as this user</h2><p>You see and do what the user may, until you are yourself again.
The audit trail names you both.</p>${actAs(visit, key, title)}`,
};

/** Nobody acts as himself, nor through a second user. */
const mayActAs = ({ user }: Visit, id: number): boolean =>
  user.isSuperuser && user.actor === undefined && user.id !== id;

const actAs = (visit: Visit, key: string | number, name: string) =>
  button(visit, ACQUIRE, { text: "Act as", label: `Act as ${name}`, fields: { user_pk: key } });

interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly email: string;
  readonly is_active: boolean;
  readonly is_staff: boolean;
  readonly is_superuser: boolean;
  readonly last_login: string | null;
}

const forSuperusers = (visit: Visit) => ownRows(visit, sql`false`);

async function list(visit: Visit, { search, filters: asked, after, limit }: ListQuestion) {
  const flags = FLAGS.map((name) =>
    asked[name] === undefined ? sql`true` : sql`${sql.ref(`e.${name}`)} = ${asked[name] === "yes"}`,
  );
  const { rows } = await sql<UserRow>`
    select e.id, e.username, e.email, e.is_active, e.is_staff, e.is_superuser,
      ${sql.raw(timeText("e.last_login"))} as last_login
    from app_user e
    where ${forSuperusers(visit)} and ${holds(search, ["e.username", "e.email"])}
      and ${sql.join(flags, sql` and `)} and e.username > ${after ?? ""}
    order by e.username limit ${limit}`.execute(visit.call.ctx.db);
  return rows.map(({ id, username, email, last_login, ...flags }) => ({
    key: String(id),
    cursor: username,
    cells: [
      html`<a href="${objectPath("user", id, "change")}">${username}</a>`,
      email,
      ...FLAGS.map((name) => yesNo(flags[name])),
      time(last_login),
      flags.is_active && mayActAs(visit, id) && actAs(visit, id, username),
    ],
  }));
}

async function find(visit: Visit, key: string): Promise<Found | undefined> {
  const id = numberKey(key);
  const { rows } = await sql<UserRow>`select e.is_superuser, e.username,
      ${sql.raw(timeText("e.last_login"))} as last_login
    from app_user e where e.id = ${id ?? null} and ${forSuperusers(visit)}`.execute(
    visit.call.ctx.db,
  );
  const [row] = rows;
  if (!row) return undefined;
  const shown = { ...(await visit.desk.show("users", key)), ...row };
  return { key, title: row.username, ...rightsOn("user", visit), shown };
}

function formOf(_visit: Visit, found?: Found): readonly FieldSpec[] {
  const shown = found?.shown ?? { is_active: true };
  const text = (name: string, label: string, maxLength: number) =>
    ({ kind: "text", name, label, value: String(shown[name] ?? ""), maxLength }) as const;
  const flag = (name: string, label: string, hint: string) =>
    ({ kind: "flag", name, label, hint, value: shown[name] === true }) as const;
  const stored: readonly FieldSpec[] = found ? storedFields(found) : [];
  return [
    {
      ...text("username", "User name", 512),
      ...{ isRequired: true, hint: "At most 150 letters, digits and @ . + - / _ = |" },
    },
    {
      ...{ kind: "secret", name: "password", label: "New password", complete: "new-password" },
      hint: found
        ? "Leave it empty to keep the one that is."
        : "Without one there is no log-in by password.",
    },
    text("first_name", "First name", 150),
    text("last_name", "Last name", 150),
    text("email", "E-mail", 254),
    flag("is_active", "Active", "Without it, log-ins are refused and sessions end."),
    flag("is_staff", "Staff", "May read what is for administrators."),
    ...stored,
  ];
}

const storedFields = ({ shown }: Found): readonly FieldSpec[] => [
  {
    ...{ kind: "fixed", name: "is_superuser", label: "Superuser" },
    value: yesNo(shown.is_superuser === true),
  },
  {
    ...{ kind: "fixed", name: "groups", label: "Groups" },
    value:
      (shown.groups as readonly { readonly name: string }[]).map(({ name }) => name).join(", ") ||
      "None",
  },
  {
    ...{ kind: "fixed", name: "last_login", label: "Last log-in (UTC)" },
    value: time(shown.last_login as string | null) || "Never",
  },
];

const NAME = /^[\p{L}\p{N}_.@+=/\-|]{1,150}$/u;
const BAD_NAME =
  "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_/=/| characters.";

async function save(visit: Visit, form: Form, found?: Found) {
  const { username = "", password = "", first_name = "", last_name = "", email = "" } = form;
  const name = username.trim();
  // Names that gateways have given may be anything.
  if (name !== found?.title && !NAME.test(name)) throw fieldError("username", BAD_NAME);
  const flags = { is_active: form.is_active !== undefined, is_staff: form.is_staff !== undefined };
  if (found && Number(found.key) === visit.user.id && !flags.is_active) {
    throw fieldError("is_active", "You cannot lock yourself out.");
  }
  const values = {
    ...{ first_name, last_name, email, ...flags },
    ...(name === found?.title ? {} : { username: name }),
    ...(password === "" ? {} : { password }),
  };
  if (found) {
    await visit.desk.change("users", found.key, values);
    return { key: found.key, title: name };
  }
  return { key: String(await visit.desk.create("users", values)), title: name };
}
