import { fieldError, objectError } from "#base/errors.ts";
import { prn } from "#base/prn.ts";
import { uuid7 } from "#base/uuid7.ts";
import {
  type Caller,
  defineResource,
  type Executor,
  sql,
  text,
  textFilters,
  type Values,
} from "#sdk";
import { isValidName, normalizeName } from "../format/names.ts";
import { parseVersion } from "../format/version.ts";
import { pythonRepositoryResource } from "./repositories.ts";

/** What an entry names: a file, or a project, or one version of it. */
interface Entry {
  readonly name: string | null;
  readonly version: string | null;
  readonly filename: string | null;
}

/** @throws `ValidationError` with the texts of plugin-python §7.2. */
function entryOf({ name, version, filename }: Values): Entry {
  const given = (value: unknown): string | null => (typeof value === "string" ? value : null);
  const entry = { name: given(name), version: given(version), filename: given(filename) };
  if (entry.version !== null && entry.name === null && entry.filename === null)
    throw objectError("'version' requires 'name'.");
  if ((entry.name === null) === (entry.filename === null))
    throw objectError("Exactly one of 'name' or 'filename' must be specified.");
  if (entry.version !== null && entry.filename !== null)
    throw objectError("'version' cannot be used with 'filename'.");
  if (entry.version !== null && parseVersion(entry.version) === undefined)
    throw fieldError("version", `'${entry.version}' is not a valid version.`);
  if (entry.name === null) return entry;
  if (!isValidName(entry.name)) throw fieldError("name", `'${entry.name}' cannot name a project.`);
  return { ...entry, name: normalizeName(entry.name) };
}

const EXISTS = {
  name: "A blocklist entry with this name and version already exists.",
  filename: "A blocklist entry with this filename already exists.",
} as const;

/** @throws `ValidationError` if the repository has the entry. */
async function addEntry(
  db: Executor,
  { domain, user }: Caller,
  { repository, entry }: { readonly repository: string; readonly entry: Entry },
): Promise<string> {
  const id = uuid7();
  const by = user ? prn("auth.User", user.id) : "";
  const { name, version, filename } = entry;
  const { rows } = await sql`
    insert into python_blocklist_entry (id, domain, repository, name, version, filename, added_by)
    values (${id}, ${domain.num}, ${repository}, ${name}, ${version}, ${filename}, ${by})
    on conflict on constraint python_blocklist_entry_once do nothing
    returning id`.execute(db);
  if (rows.length === 0) throw objectError(name === null ? EXISTS.filename : EXISTS.name);
  return id;
}

/** What a repository takes no more (plugin-python §7.2); what it has stays. */
export const pythonBlocklistResource = defineResource({
  path: "blocklist_entries",
  parent: pythonRepositoryResource,
  parameters: { parent: "repository_pk", key: "pulp_id" },
  label: "python",
  model: "PythonBlocklistEntry",
  title: "python blocklist entry",
  key: "uuid",
  source: { from: "python_blocklist_entry e", parent: "e.repository" },
  addressColumns: { $repository: "e.repository" },
  address: ({ $repository, $key }, { root, domain, domainEnabled }) =>
    `${root}${domainEnabled ? `${domain}/` : ""}api/v3/${pythonRepositoryResource.path}/` +
    `${$repository}/blocklist_entries/${$key}/`,
  fields: {
    name: text({ nullable: true }),
    version: text({ nullable: true }),
    filename: text({ nullable: true }),
    added_by: text({ readOnly: true }),
  },
  filters: {
    name: {
      schema: { type: "string" },
      condition: (value) => sql`e.name = ${normalizeName(value)}`,
    },
    ...textFilters("version", "e.version", ["exact", "isnull"]),
    ...textFilters("filename", "e.filename"),
  },
  orderings: {
    pulp_created: "e.created",
    name: "e.name",
    version: "e.version",
    filename: "e.filename",
  },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      check: (_run, values) => void entryOf(values),
      async run({ ctx, caller }, values, parent) {
        const work = { repository: String(parent.$key), entry: entryOf(values) };
        return { kind: "object", id: await addEntry(ctx.db, caller, work), status: 201 };
      },
    },
    delete: {
      mode: "sync",
      async apply({ ctx, caller }, row) {
        await sql`delete from python_blocklist_entry
          where domain = ${caller.domain.num} and id = ${row.$key}`.execute(ctx.db);
      },
    },
  },
});
