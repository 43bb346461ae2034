import { sql } from "kysely";
import type { Executor } from "./ctx.ts";
import type {
  ContentType,
  CorePlugin,
  EntityModel,
  Family,
  PluginRegistry,
  TaskDefinition,
} from "./plugin-contract.ts";

/** Content type names and their numbers in this database. */
export type ContentTypeNums = ReadonlyMap<string, number>;

/** Gives every content type of the plugins its number; numbers of other plugins stay reserved. */
export async function ensureContentTypes(
  db: Executor,
  plugins: readonly CorePlugin[],
): Promise<ContentTypeNums> {
  const names = plugins.flatMap(({ contentTypes }) => contentTypes.map(({ type }) => type));
  await sql`
    insert into content_type (num, name)
    select (select coalesce(max(num), 0) from content_type) + row_number() over (), name
    from unnest(${names}::text[]) as wanted (name)
    where not exists (select from content_type known where known.name = wanted.name)
    on conflict do nothing`.execute(db);
  const rows = await db.selectFrom("content_type").select(["num", "name"]).execute();
  return new Map(rows.map(({ num, name }) => [name, num]));
}

/** Indexes what the plugins bring; a name that two of them bring is refused. */
export function createRegistry(
  plugins: readonly CorePlugin[],
  nums: ContentTypeNums,
): PluginRegistry {
  const entities = index(
    plugins.flatMap((plugin) => plugin.entities),
    ({ family, type }: EntityModel) => `${family} ${type}`,
  );
  const repositoryTypes = index(
    plugins.flatMap((plugin) => plugin.repositoryTypes),
    ({ type }) => type,
  );
  const contentTypes = index(
    plugins.flatMap((plugin) => plugin.contentTypes),
    ({ type }: ContentType) => type,
  );
  const tasks = index(
    plugins.flatMap((plugin): readonly TaskDefinition[] => plugin.tasks),
    ({ name }) => name,
  );
  const names = new Map([...nums].map(([name, num]) => [num, name]));
  return {
    all: plugins,
    entity: (family: Family, type) => found(entities, `${family} ${type}`),
    entities: (family) => [...entities.values()].filter((entity) => entity.family === family),
    repositoryType: (type) => found(repositoryTypes, type),
    contentType: (name) => found(contentTypes, name),
    contentTypeNum: (name) => found(nums, name),
    contentTypeName: (num) => found(names, num),
    task: (name) => tasks.get(name),
  };
}

function index<Value>(values: readonly Value[], key: (value: Value) => string): Map<string, Value> {
  const map = new Map<string, Value>();
  for (const value of values) {
    if (map.has(key(value))) throw new Error(`Two plugins bring "${key(value)}".`);
    map.set(key(value), value);
  }
  return map;
}

function found<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`No plugin brings "${String(key)}".`);
  return value;
}
