import { type AccessRules, type CheckQuestion, sql } from "#sdk";
import { NAMESPACE_MODEL, namespaceOf } from "./namespaces.ts";

/** Conditions about the namespace that something lies in (plugin-container §9). */

type RoleObject = Awaited<ReturnType<CheckQuestion["facts"]["object"]>>;

/** `container.view_containerdistribution` → the same right on everything in a namespace. */
const inNamespace = (permission: string) => permission.replace(".", ".namespace_");

interface Places {
  readonly namespaces: readonly string[];
  /** Distributions that serve a repository. */
  readonly distributions: readonly string[];
}

/** Where a distribution or a repository lies. */
async function placesOf({ ctx }: CheckQuestion, object: RoleObject): Promise<Places> {
  const { rows } = await sql<{ id: string; namespace: string }>`
    select x.id, c.namespace from distribution x
    join container_distribution c on c.domain = x.domain and c.id = x.id
    where x.domain = ${object.domain} and (x.id = ${object.id} or x.repository = ${object.id}
      or x.version in (select v.id from repository_version v join repository r on r.num = v.repository
        where r.domain = ${object.domain} and r.id = ${object.id}))`.execute(ctx.db);
  return {
    namespaces: [...new Set(rows.map(({ namespace }) => namespace))],
    distributions: rows.map(({ id }) => id),
  };
}

/** By a public distribution. */
async function isServedToAll({ ctx }: CheckQuestion, object: RoleObject): Promise<boolean> {
  const { rows } = await sql`
    select from distribution x
    join container_distribution c on c.domain = x.domain and c.id = x.id and not c.private
    where x.domain = ${object.domain} and (x.repository = ${object.id}
      or x.version in (select v.id from repository_version v join repository r on r.num = v.repository
        where r.domain = ${object.domain} and r.id = ${object.id})) limit 1`.execute(ctx.db);
  return rows.length > 0;
}

const onAny = async (
  { rights }: CheckQuestion,
  permission: string,
  objects: readonly RoleObject[],
): Promise<boolean> => {
  for (const object of objects) if (await rights.onObject([permission], object)) return true;
  return false;
};

const generally = ({ rights }: CheckQuestion, permission: string): boolean =>
  rights.onModel(permission) || rights.onDomain(permission);

const namespaces = (ids: readonly string[], { domain }: RoleObject): RoleObject[] =>
  ids.map((id) => ({ model: NAMESPACE_MODEL, id, domain }));

/** By a role on the object, or on a namespace that it lies in. */
async function isHeld(
  question: CheckQuestion,
  permission: string,
  object: RoleObject,
): Promise<boolean> {
  const wide = inNamespace(permission);
  if (generally(question, permission) || generally(question, wide)) return true;
  if (await question.rights.onObject([permission], object)) return true;
  const places = await placesOf(question, object);
  return onAny(question, wide, namespaces(places.namespaces, object));
}

/**
 * A namespace that is called like somebody is that user's own; in domains of others a name gives no
 * right.
 */
const isOwn = ({ caller }: CheckQuestion, name: unknown): boolean =>
  caller.user?.username === name && caller.domain.name === "default";

async function mayAddTo(
  question: CheckQuestion,
  permission: string,
  name: string,
): Promise<boolean> {
  const { ctx, caller } = question;
  if (isOwn(question, name)) return true;
  const { rows } = await sql<{ id: string }>`
    select id from container_namespace
    where domain = ${caller.domain.num} and name = ${name}`.execute(ctx.db);
  const [found] = rows;
  if (!found) return generally(question, "container.add_containernamespace");
  if (generally(question, permission)) return true;
  const object = { model: NAMESPACE_MODEL, id: found.id, domain: caller.domain.num };
  return question.rights.onObject([permission], object);
}

export const containerChecks: NonNullable<AccessRules["checks"]> = {
  has_namespace_or_obj_perms: async (question, permission) =>
    isHeld(question, permission, await question.facts.object()),
  has_namespace_or_repository_perms: async (question, permission) =>
    isHeld(question, permission, await question.facts.parent()),
  /** `<permission on repositories>,<permission on distributions that serve it>` */
  has_namespace_or_distribution_perms: async (question, argument) => {
    const [onRepository = "", onDistribution = ""] = argument.split(",");
    const object = await question.facts.object();
    if (await isHeld(question, onRepository, object)) return true;
    if (generally(question, onDistribution)) return true;
    const { distributions } = await placesOf(question, object);
    const model = "container.containerdistribution";
    const objects = distributions.map((id) => ({ model, id, domain: object.domain }));
    return onAny(question, onDistribution, objects);
  },
  /** Whether the base path that is given may be used; one that stays is no question. */
  may_add_to_namespace: async (question, permission) => {
    const path = await question.facts.value("base_path");
    return typeof path !== "string" || mayAddTo(question, permission, namespaceOf(path));
  },
  /** Whether a copy is made from what one sees over REST: by a right, or since everybody may pull it. */
  may_see_source: async (question, argument) => {
    const { facts } = question;
    const source =
      (await facts.parameter("source_repository")) ??
      (await facts.parameter("source_repository_version"));
    if (!source) return true;
    for (const permission of argument.split(","))
      if (await isHeld(question, permission, source)) return true;
    return isServedToAll(question, source);
  },
  /** Whether the files that an image is built of may be seen; without any it is no question. */
  may_see_build_context: async (question, permission) => {
    const repository = await question.facts.parameter("build_context");
    if (!repository || generally(question, permission)) return true;
    return question.rights.onObject([permission], repository);
  },
  may_add_namespace: async (question, permission) =>
    generally(question, permission) || isOwn(question, await question.facts.value("name")),
};
