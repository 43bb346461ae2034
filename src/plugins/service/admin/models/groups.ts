import { fieldError } from "#base/errors.ts";
import { sql, tenancy } from "#sdk";
import { isReservedGroup } from "../../domains/group.ts";
import { type FieldSpec, linesOf } from "../fields.ts";
import { html } from "../html.ts";
import { objectPath } from "../paths.ts";
import type { Form, Visit } from "../visits.ts";
import {
  type Found,
  groupsOf,
  holds,
  type ListQuestion,
  type Model,
  numberKey,
  ownRows,
  rightsOn,
} from "./model.ts";

/** Members that a form shows and takes; larger groups are changed by the API. */
const MOST_MEMBERS = 1000;

const owned = (visit: Visit) => ownRows(visit, sql`e.id = any(${groupsOf(visit)}::int[])`);

/** Groups: members do as they like with them (service §11). */
export const groups: Model = {
  name: "group",
  title: "Group",
  plural: "Groups",
  about: "Who belongs together, and has domains together.",
  prnModel: "core.group",
  columns: ["Name", "Members"],
  searches: "name",
  list,
  find,
  form: (visit, found) => formOf(visit, found),
  save: (visit, form, found) => (found ? change(visit, form, found) : add(visit, form)),
  remove: ({ desk }, { key }) => desk.remove("groups", key),
};

async function list(visit: Visit, { search, after, limit }: ListQuestion) {
  const { rows } = await sql<{ id: number; name: string; members: number }>`
    select e.id, e.name, (select count(*)::int from (
      select from group_member m where m.app_group = e.id limit ${MOST_MEMBERS + 1}) c) as members
    from app_group e
    where ${owned(visit)} and ${holds(search, ["e.name"])} and e.name > ${after ?? ""}
    order by e.name limit ${limit}`.execute(visit.call.ctx.db);
  return rows.map(({ id, name, members }) => ({
    key: String(id),
    cursor: name,
    cells: [
      html`<a href="${objectPath("group", id, "change")}">${name}</a>`,
      members > MOST_MEMBERS ? `more than ${MOST_MEMBERS}` : members,
    ],
  }));
}

interface GroupRow {
  readonly id: number;
  readonly name: string;
  readonly members: readonly string[];
}

async function find(visit: Visit, key: string): Promise<Found | undefined> {
  const id = numberKey(key);
  const { rows } = await sql<GroupRow>`
    select e.id, e.name, array(select u.username from (
      select m.app_user from group_member m where m.app_group = e.id limit ${MOST_MEMBERS + 1}) m
      join app_user u on u.id = m.app_user order by u.username) as members
    from app_group e where e.id = ${id ?? null} and ${owned(visit)}`.execute(visit.call.ctx.db);
  const [row] = rows;
  if (!row) return undefined;
  const rights = rightsOn("group", visit);
  return {
    key,
    title: row.name,
    ...rights,
    mayDelete: rights.mayDelete && mayRename(visit, row.name),
    shown: { ...row },
  };
}

/** Names that mean something are the administrators' to give and to take. */
const mayRename = ({ user, call }: Visit, name: string): boolean =>
  user.isSuperuser || !isReservedGroup(call.ctx, name);

const membersOf = (found: Found): readonly string[] => found.shown.members as readonly string[];
const isLarge = (found: Found): boolean => membersOf(found).length > MOST_MEMBERS;

function formOf({ user }: Visit, found?: Found): readonly FieldSpec[] {
  const name = { kind: "text", name: "name", label: "Name", isRequired: true } as const;
  const users = { name: "users", label: "Users", hint: "User names, one a line." } as const;
  const title = { ...name, value: found?.title ?? "", maxLength: 150 };
  if (!found) {
    const value = user.isSuperuser ? "" : user.username;
    return [title, { ...users, kind: "area", value }];
  }
  if (isLarge(found)) {
    const value = `More than ${MOST_MEMBERS}: change them by the API.`;
    return [title, { kind: "fixed", name: "users", label: "Users", value }];
  }
  return [title, { ...users, kind: "area", value: membersOf(found).join("\n") }];
}

/** The name, as the API takes it. */
async function nameIn({ desk }: Visit, { name = "" }: Form): Promise<string> {
  return String((await desk.check("groups", { name })).name);
}

function usersIn({ users }: Form): readonly string[] {
  const names = linesOf(users);
  if (names.length > MOST_MEMBERS) throw fieldError("users", `At most ${MOST_MEMBERS} users.`);
  return names;
}

const RESERVED =
  "This name means something to the service: only administrators may give or change it.";

async function add(visit: Visit, form: Form) {
  const { user, desk } = visit;
  const name = await nameIn(visit, form);
  const users = usersIn(form);
  if (!mayRename(visit, name)) throw fieldError("name", RESERVED);
  if (!user.isSuperuser && !users.includes(user.username)) {
    throw fieldError(
      "users",
      `You must include yourself (${user.username}) in the group members. This ensures you maintain access to the group after creation.`,
    );
  }
  const key = await desk.create("groups", { name }, (db, id) =>
    tenancy.setMembers(db, Number(id), users),
  );
  return { key: String(key), title: name };
}

async function change(visit: Visit, form: Form, found: Found) {
  const { call, desk } = visit;
  const name = await nameIn(visit, form);
  const isRenamed = name !== found.title;
  if (isRenamed && !(mayRename(visit, name) && mayRename(visit, found.title))) {
    throw fieldError("name", RESERVED);
  }
  const members = isLarge(found) ? {} : { members: usersIn(form) };
  await desk.show("groups", found.key);
  await tenancy.changeGroup(call.ctx, Number(found.key), { name, ...members });
  return { key: found.key, title: name };
}
