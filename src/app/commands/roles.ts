import { sql } from "kysely";
import { type Prn, parsePrn } from "#base/prn.ts";
import { isUuid } from "#base/uuid7.ts";
import {
  addObjectRole,
  assignRole,
  removeObjectRole,
  unassignRole,
} from "#core/access/commands.ts";
import { allGrants, type Grant } from "#core/access/grant-queries.ts";
import type { RoleObject } from "#core/access/types.ts";
import type { Ctx } from "#core/ctx.ts";
import type { Family } from "#core/plugin-contract.ts";
import { appErrors } from "../errors.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";
import { type Subject, subjectOf } from "./subjects.ts";
import { tableLines, told } from "./told.ts";

const WHO = { user: { type: "string" }, group: { type: "string" } } as const;
const WHERE = { domain: { type: "string" }, object: { type: "string" } } as const;

export const listRolesCommand: Command = {
  name: "list-roles",
  usage: "[--user NAME | --group NAME]",
  summary: "Lists the roles that there are, or those that a user or group has, and where.",
  options: WHO,
  async run({ text }) {
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    if (text.user === undefined && text.group === undefined) {
      const rows = await ctx.db.selectFrom("role").select("name").orderBy("name").execute();
      for (const { name } of rows) print(name);
      return 0;
    }
    const { kind, name } = await subjectOf(ctx, text);
    const grants = (await allGrants(ctx.db)).filter((g) => g.kind === kind && g.name === name);
    for (const line of tableLines(grants.map((grant) => [grant.role, placeOf(grant)]))) print(line);
    return 0;
  },
};

const placeOf = ({ level, domain, object }: Grant): string =>
  object ?? (level === "domain" ? `domain ${domain}` : "everywhere");

export const assignRoleCommand: Command = {
  name: "assign-role",
  usage: "ROLE (--user NAME | --group NAME) [--domain NAME | --object PRN]",
  summary: "Gives a role: everywhere, in one domain, or on one object.",
  options: { ...WHO, ...WHERE },
  words: 1,
  run: (flags) => change(flags, CHANGES.assign),
};

export const removeRoleCommand: Command = {
  name: "remove-role",
  usage: "ROLE (--user NAME | --group NAME) [--domain NAME | --object PRN]",
  summary: "Takes a role away that was given everywhere, in one domain, or on one object.",
  options: { ...WHO, ...WHERE },
  words: 1,
  run: (flags) => change(flags, CHANGES.remove),
};

const CHANGES = {
  assign: { wide: assignRole, object: addObjectRole, done: "has the role", kept: "had the role" },
  remove: {
    wide: unassignRole,
    object: removeObjectRole,
    done: "has lost the role",
    kept: "did not have the role",
  },
} as const;

async function change(
  { text, rest: [role] }: Parameters<Command["run"]>[0],
  { wide, object, done, kept }: (typeof CHANGES)[keyof typeof CHANGES],
): Promise<number> {
  if (role === undefined) throw appErrors.usage("Which role? Give its name.");
  if (text.domain !== undefined && text.object !== undefined) {
    throw appErrors.usage("--domain and --object exclude each other.");
  }
  await using runtime = await openCommandRuntime();
  const ctx = runtime.createCtx("api");
  const subject = await subjectOf(ctx, text);
  if (text.object !== undefined) {
    const target = await objectOf(ctx, text.object);
    await told(object(ctx, target, grantOf(role, subject)));
    print(`The ${subject.kind} '${subject.name}' ${done} '${role}' on ${text.object}.`);
    return 0;
  }
  const domain = text.domain === undefined ? null : await domainNum(ctx, text.domain);
  const outcome = await told(wide(ctx, { role, subject: subject.num, domain }));
  const where = text.domain === undefined ? "everywhere" : `in the domain '${text.domain}'`;
  const what = outcome === "unchanged" ? kept : done;
  print(`The ${subject.kind} '${subject.name}' ${what} '${role}' ${where}.`);
  return 0;
}

const grantOf = (role: string, { kind, name }: Subject) => ({
  role,
  users: kind === "user" ? [name] : [],
  groups: kind === "group" ? [name] : [],
});

async function domainNum({ db }: Ctx, name: string): Promise<number> {
  const row = await db
    .selectFrom("domain")
    .select("num")
    .where("name", "=", name)
    .executeTakeFirst();
  if (!row) throw appErrors.usage(`domain '${name}' does not exist`);
  return row.num;
}

/** Objects beside the families that roles are given on: model → table. */
const TABLES: Readonly<Record<string, string>> = {
  "core.task": "task",
  "core.taskschedule": "task_schedule",
  "core.upload": "upload",
};
const FAMILIES: readonly Family[] = [
  ...(["repository", "remote", "publication", "distribution"] as const),
  ...(["content_guard", "alternate_content_source"] as const),
];

/** @throws `appErrors.usage` unless the PRN names an object that roles can be given on. */
async function objectOf(ctx: Ctx, text: string): Promise<RoleObject> {
  const prn = parsePrn(text);
  if (!prn || !isUuid(prn.id)) {
    throw appErrors.usage(`'${text}' is no PRN; write prn:file.filerepository:<uuid>.`);
  }
  const table = tableOf(ctx, prn);
  if (table === undefined) throw appErrors.usage(`Roles are not given on single ${prn.model}.`);
  const { rows } = await sql<{ domain: number }>`
    select domain from ${sql.table(table)} where id = ${prn.id}`.execute(ctx.db);
  const [row] = rows;
  if (!row) throw appErrors.usage(`There is no ${text}.`);
  return { model: prn.model, id: prn.id, domain: row.domain };
}

function tableOf({ plugins }: Ctx, { model }: Prn): string | undefined {
  if (Object.hasOwn(TABLES, model)) return TABLES[model];
  return FAMILIES.find((family) =>
    plugins.entities(family).some((entity) => entity.model.toLowerCase() === model),
  );
}
