import { sql } from "kysely";
import type { RoleObject } from "../access/types.ts";
import type { Ctx } from "../ctx.ts";
import { policyBook } from "./book.ts";
import { holds } from "./conditions.ts";
import { isPermitted } from "./permit.ts";
import type { Question } from "./question.ts";
import {
  concerns,
  conditionsOf,
  isAllowed,
  listed,
  parseCondition,
  parseExpression,
} from "./rules.ts";
import type { Statement } from "./types.ts";

/** What a condition came to; `problem` is the refusal that asking it ended in. */
export interface ConditionTrace {
  readonly condition: string;
  readonly holds: boolean;
  readonly problem?: string;
}

export interface StatementTrace {
  readonly statement: Statement;
  /** It speaks about this action of this user. */
  readonly concerns: boolean;
  /** Up to the first that does not hold. */
  readonly conditions: readonly ConditionTrace[];
}

/** A role that carries one of the permissions that the policy asks for. */
export interface Grant {
  readonly permission: string;
  readonly role: string;
  readonly level: "model" | "domain" | "object";
  /** `user ann`, `group crew`. */
  readonly holder: string;
}

export interface Explanation {
  readonly isAllowed: boolean;
  /** Null: the address is for administrators only, or something else than policies decides. */
  readonly statements: readonly StatementTrace[] | null;
  readonly grants: readonly Grant[];
  /** Name of the class that decides instead of the policies. */
  readonly decidedBy?: string;
}

/** Answers the question as `isPermitted` does, and says why. */
export async function explain(ctx: Ctx, question: Question): Promise<Explanation> {
  const { caller, rights, viewset, action, method, facts } = question;
  const book = policyBook(ctx);
  if (book.decidedBy !== undefined) {
    const isAllowed = await isPermitted(ctx, question);
    return { isAllowed, statements: null, grants: [], decidedBy: book.decidedBy };
  }
  const policy = await book.policyOf(viewset);
  if (!policy) return { isAllowed: rights.isSuperuser, statements: null, grants: [] };
  const asking = { action, method, user: caller.user, groups: rights.groups };
  const meaning = (condition: string) => book.meaningOf(condition);
  const ask = (condition: string) => holds(book, { ctx, caller, rights, facts }, condition);
  const statements: StatementTrace[] = [];
  for (const statement of policy.statements) {
    const speaks = concerns(statement, asking);
    const conditions = speaks ? await traceOf(statement, ask) : [];
    statements.push({ statement, concerns: speaks, conditions });
  }
  const isClear = statements.every(({ conditions }) => conditions.every((one) => !one.problem));
  return {
    isAllowed: isClear && (await isAllowed(policy, asking, ask)),
    statements,
    grants: await grantsFor(ctx, question, permissionsOf(statements, meaning)),
  };
}

const allConditions = ({ condition, condition_expression }: Statement): readonly string[] => [
  ...listed(condition),
  ...listed(condition_expression).flatMap((text) => conditionsOf(parseExpression(text))),
];

async function traceOf(
  statement: Statement,
  ask: (condition: string) => Promise<boolean>,
): Promise<readonly ConditionTrace[]> {
  const trace: ConditionTrace[] = [];
  for (const condition of allConditions(statement)) {
    try {
      trace.push({ condition, holds: await ask(condition) });
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      trace.push({ condition, holds: false, problem });
    }
    if (trace.at(-1)?.holds !== true) break;
  }
  return trace;
}

const permissionsOf = (
  statements: readonly StatementTrace[],
  meaning: (condition: string) => string,
): readonly string[] =>
  statements
    .filter((one) => one.concerns)
    .flatMap(({ statement }) => allConditions(statement))
    .flatMap((condition) => parseCondition(meaning(condition)).argument.split(","));

async function grantsFor(
  { db }: Ctx,
  { rights, caller, facts }: Question,
  permissions: readonly string[],
): Promise<readonly Grant[]> {
  // An object that is hidden carries no role of the user.
  const object = await facts.object().catch((): RoleObject | undefined => undefined);
  const { rows } = await sql<Grant>`
    select p.permission, r.name as role,
      case when a.object is not null then 'object' when a.domain is not null then 'domain'
        else 'model' end as level,
      coalesce('user ' || u.username, 'group ' || g.name) as holder
    from role_assignment a join role r on r.num = a.role join role_permission p on p.role = a.role
    left join app_user u on u.id = a.subject left join app_group g on g.id = -a.subject
    where a.subject = any(${rights.subjects}::int[]) and p.permission = any(${permissions}::text[])
      and (a.object is null and (a.domain is null or a.domain = ${caller.domain.num})
        or a.object = ${object?.id ?? null}::uuid)
    order by p.permission, level, role`.execute(db);
  return rows;
}
