import { sql } from "kysely";
import { ValidationError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import { announceUserChange, grantRoles } from "../access/commands.ts";
import type { RoleObject } from "../access/types.ts";
import type { Caller, Ctx, Executor } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { type PolicyBook, policyBook, shippedPolicies } from "./book.ts";
import { conditionProblem } from "./conditions.ts";
import { policyErrors } from "./errors.ts";
import { conditionsOf, listed, parseExpression } from "./rules.ts";
import type { CreationHook, PolicyDocument, Scoping, Statement } from "./types.ts";

/** Processes start at the same time; one of them seeds, the others find it done. */
const SEED_LOCK = 7_302;

/** Makes the policies that nobody changed be as they ship; those of absent components stay. */
export async function ensurePolicies(ctx: Ctx): Promise<void> {
  const policies = shippedPolicies(ctx.plugins).map((policy) => ({ id: uuid7(), ...policy }));
  await inTransaction(ctx, undefined, async (trx) => {
    await sql`select pg_advisory_xact_lock(0, ${SEED_LOCK})`.execute(trx);
    await sql`
      insert into access_policy (id, viewset_name, statements, creation_hooks, queryset_scoping)
      select id, viewset, statements, creation_hooks, queryset_scoping
      from jsonb_to_recordset(${JSON.stringify(policies)}::jsonb)
        as p (id uuid, viewset text, statements jsonb, creation_hooks jsonb, queryset_scoping jsonb)
      on conflict (viewset_name) do update set statements = excluded.statements,
        creation_hooks = excluded.creation_hooks, queryset_scoping = excluded.queryset_scoping,
        updated = clock_timestamp()
      where not access_policy.customized and (access_policy.statements, access_policy.creation_hooks,
        access_policy.queryset_scoping) is distinct from
        (excluded.statements, excluded.creation_hooks, excluded.queryset_scoping)`.execute(trx);
  });
  announceUserChange(ctx);
}

/** Changes what is given; the policy is a customised one from now on. */
export async function updatePolicy(
  ctx: Ctx,
  id: string,
  patch: Partial<PolicyDocument>,
): Promise<void> {
  checkPolicy(patch, policyBook(ctx));
  const json = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value));
  await ctx.db
    .updateTable("access_policy")
    .set({
      statements: json(patch.statements) as never,
      creation_hooks: json(patch.creation_hooks) as never,
      queryset_scoping: (patch.queryset_scoping === null
        ? null
        : json(patch.queryset_scoping)) as never,
      customized: true,
      updated: sql`clock_timestamp()`,
    })
    .where("id", "=", id)
    .execute();
  announceUserChange(ctx);
}

/** Back to what ships. @throws `policyErrors.foreign` if its component is not here. */
export async function resetPolicy(ctx: Ctx, id: string, viewset: string): Promise<void> {
  const shipped = shippedPolicies(ctx.plugins).find((policy) => policy.viewset === viewset);
  if (!shipped) throw policyErrors.foreign(viewset);
  await ctx.db
    .updateTable("access_policy")
    .set({
      statements: JSON.stringify(shipped.statements) as never,
      creation_hooks: JSON.stringify(shipped.creation_hooks) as never,
      queryset_scoping: (shipped.queryset_scoping &&
        JSON.stringify(shipped.queryset_scoping)) as never,
      customized: false,
      updated: sql`clock_timestamp()`,
    })
    .where("id", "=", id)
    .execute();
  announceUserChange(ctx);
}

/**
 * A policy that could only fail later is refused now.
 *
 * @throws `ValidationError` by field.
 */
function checkPolicy(
  { statements, creation_hooks, queryset_scoping }: Partial<PolicyDocument>,
  book: PolicyBook,
) {
  const problems = {
    statements: (statements ?? []).flatMap((one, index) => statementProblems(one, index, book)),
    creation_hooks: (creation_hooks ?? []).flatMap(hookProblems),
    queryset_scoping: queryset_scoping ? scopingProblems(queryset_scoping) : [],
  };
  const found = Object.entries(problems).filter(([, texts]) => texts.length > 0);
  if (found.length > 0) throw new ValidationError(Object.fromEntries(found));
}

const isTexts = (value: unknown): boolean =>
  typeof value === "string" ||
  (Array.isArray(value) && value.every((one) => typeof one === "string"));

function statementProblems(statement: Statement, index: number, book: PolicyBook): string[] {
  const where = `Statement ${index}:`;
  if (typeof statement !== "object" || statement === null || Array.isArray(statement)) {
    return [`${where} must be an object.`];
  }
  const { action, principal, effect, condition = [], condition_expression = [] } = statement;
  if (!isTexts(action)) return [`${where} 'action' must be a name or a list of names.`];
  if (!isTexts(principal)) return [`${where} 'principal' must be a name or a list of names.`];
  if (effect !== "allow" && effect !== "deny") {
    return [`${where} 'effect' must be 'allow' or 'deny'.`];
  }
  if (!isTexts(condition) || !isTexts(condition_expression)) {
    return [`${where} conditions must be texts.`];
  }
  return conditionProblems(listed(condition), listed(condition_expression), book).map(
    (text) => `${where} ${text}`,
  );
}

function conditionProblems(
  plain: readonly string[],
  expressions: readonly string[],
  book: PolicyBook,
): string[] {
  try {
    const all = [...plain, ...expressions.flatMap((text) => conditionsOf(parseExpression(text)))];
    return all.flatMap((text) => conditionProblem(book, text) ?? []);
  } catch (error) {
    if (error instanceof SyntaxError) return [error.message];
    throw error;
  }
}

function scopingProblems(scoping: Scoping): string[] {
  return scoping.function === "scope_queryset"
    ? []
    : [`There is no scoping '${scoping.function}', only 'scope_queryset'.`];
}

/** What a hook gives to whom: lists of names. */
const HOOKS: Readonly<Record<string, readonly string[]>> = {
  add_roles_for_object_creator: ["roles"],
  add_roles_for_users: ["roles", "users"],
  add_roles_for_groups: ["roles", "groups"],
};

function hookProblems(hook: CreationHook): string[] {
  const name = String((hook as Partial<CreationHook> | null)?.function);
  const wanted = Object.hasOwn(HOOKS, name) ? HOOKS[name] : undefined;
  if (!wanted) {
    return [`There is no creation hook '${name}', only ${Object.keys(HOOKS).join(", ")}.`];
  }
  return wanted.flatMap((key) =>
    isTexts(hook.parameters?.[key]) ? [] : [`Creation hook '${name}' needs '${key}'.`],
  );
}

export interface NewObject {
  /** Whose policy it is: the object's address without the id. */
  readonly viewset: string;
  readonly object: RoleObject;
}

/**
 * Gives the roles that the policy of an address has for new objects, inside the transaction that
 * makes the object (core-rest §7.2). Objects that nobody asked for get none.
 */
export async function runCreationHooks(
  ctx: Ctx,
  db: Executor,
  { caller, viewset, object }: NewObject & { readonly caller: Caller },
): Promise<void> {
  const { user } = caller;
  if (!user) return;
  const book = policyBook(ctx);
  await book.decider?.made?.(db, { caller, viewset, object });
  const policy = await book.policyOf(viewset);
  for (const { function: name, parameters } of policy?.creation_hooks ?? []) {
    const texts = (key: string) => listed(parameters[key] as string | readonly string[]);
    await grantRoles(db, {
      object,
      roles: texts("roles"),
      creators: name === "add_roles_for_object_creator" ? [user.id] : [],
      users: texts("users"),
      groups: texts("groups"),
    });
  }
}
