import { allGrants, type Grant } from "#core/access/grant-queries.ts";
import { type Command, openCommandDatabase, print } from "./command.ts";
import { tableLines } from "./told.ts";

export const dumpPermissionsCommand: Command = {
  name: "dump-permissions",
  usage: "[--tabular]",
  summary: "Prints what users and groups may do, and by which role, as JSON or as a table.",
  options: { tabular: { type: "boolean" } },
  async run({ on }) {
    await using opened = await openCommandDatabase();
    const grants = await allGrants(opened.db);
    if (on.tabular) for (const line of tableLines([HEAD, ...grants.flatMap(cells)])) print(line);
    else print(JSON.stringify(listsOf(grants), undefined, 4));
    return 0;
  },
};

const HEAD = ["kind", "name", "permission", "role", "domain", "object"] as const;

const cells = ({ kind, name, permissions, role, domain, object }: Grant): readonly string[][] =>
  permissions.map((permission) => [kind, name, permission, role, domain ?? "-", object ?? "-"]);

/** One list for users and for groups at each level (core-tasks-ops §18); domains are a level of ours. */
function listsOf(grants: readonly Grant[]): Readonly<Record<string, readonly object[]>> {
  const lists: Record<string, object[]> = {};
  for (const level of ["model", "domain", "object"] as const) {
    for (const kind of ["user", "group"] as const) {
      lists[`${kind}_${level}_permissions`] = grants
        .filter((grant) => grant.kind === kind && grant.level === level)
        .flatMap(entries);
    }
  }
  return lists;
}

const entries = ({ kind, name, permissions, role, domain, object }: Grant): readonly object[] =>
  permissions.map((permission) => ({
    [kind === "user" ? "username" : "group"]: name,
    permission,
    role,
    ...(domain === null ? {} : { domain }),
    ...(object === null ? {} : { object }),
  }));
