import type { User } from "../ctx.ts";
import type { PolicyDocument, Statement } from "./types.ts";

/** Who asks to do what. */
export interface Asking {
  /** `list`, `retrieve`, `create`, `update`, `partial_update`, `destroy`, or an action's name. */
  readonly action: string;
  /** HTTP method in capitals. */
  readonly method: string;
  readonly user: User | null;
  /** Names of the user's groups. */
  readonly groups: readonly string[];
}

/** A condition as written: `has_model_perms:core.view_task`. */
export interface Condition {
  readonly name: string;
  readonly argument: string;
}

export const parseCondition = (text: string): Condition => {
  const colon = text.indexOf(":");
  return colon < 0
    ? { name: text, argument: "" }
    : { name: text.slice(0, colon), argument: text.slice(colon + 1) };
};

/** Answers one condition. */
export type Holds = (condition: string) => Promise<boolean>;

/**
 * Whether a policy allows something: a statement that matches must allow it, and none may deny it
 * (core-rest §7.2). Conditions are asked in order, up to the first that does not hold.
 */
export async function isAllowed(
  { statements }: PolicyDocument,
  asking: Asking,
  holds: Holds,
): Promise<boolean> {
  let allowed = false;
  for (const statement of statements) {
    if (allowed && statement.effect === "allow") continue;
    if (!concerns(statement, asking) || !(await allHold(statement, holds))) continue;
    if (statement.effect === "deny") return false;
    allowed = true;
  }
  return allowed;
}

/** Whether a statement speaks about this action of this user at all. */
export const concerns = ({ action, principal }: Statement, asking: Asking): boolean =>
  listed(action).some((name) => isAction(name, asking)) &&
  listed(principal).some((name) => isPrincipal(name, asking));

export const listed = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether a statement's word for actions means an action. */
export function isAction(name: string, { action, method }: Pick<Asking, "action" | "method">) {
  if (name === "*" || name === action) return true;
  if (name === "<safe_methods>") return SAFE_METHODS.has(method);
  return name.toLowerCase() === `<method:${method.toLowerCase()}>`;
}

function isPrincipal(name: string, { user, groups }: Asking): boolean {
  switch (name) {
    case "*":
      return true;
    case "anonymous":
      return user === null;
    case "authenticated":
      return user !== null;
    case "admin":
      return user?.isSuperuser === true;
    case "staff":
      return user?.isStaff === true;
    default:
      return (
        (user !== null && name === `id:${user.id}`) ||
        (name.startsWith("group:") && groups.includes(name.slice("group:".length)))
      );
  }
}

async function allHold(statement: Statement, holds: Holds): Promise<boolean> {
  for (const condition of listed(statement.condition)) {
    if (!(await holds(condition))) return false;
  }
  for (const text of listed(statement.condition_expression)) {
    if (!(await isTrue(parseExpression(text), holds))) return false;
  }
  return true;
}

/** A condition expression taken apart. */
export type Expression =
  | { readonly kind: "condition"; readonly text: string }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression };

/** Conditions in the order in which they stand. */
export const conditionsOf = (expression: Expression): readonly string[] => {
  switch (expression.kind) {
    case "condition":
      return [expression.text];
    case "not":
      return conditionsOf(expression.of);
    default:
      return [...conditionsOf(expression.left), ...conditionsOf(expression.right)];
  }
};

async function isTrue(expression: Expression, holds: Holds): Promise<boolean> {
  switch (expression.kind) {
    case "condition":
      return holds(expression.text);
    case "not":
      return !(await isTrue(expression.of, holds));
    case "and":
      return (await isTrue(expression.left, holds)) && (await isTrue(expression.right, holds));
    default:
      return (await isTrue(expression.left, holds)) || (await isTrue(expression.right, holds));
  }
}

/** Deeper expressions are refused, so that none is a tower that falls on the stack. */
const MAX_TOKENS = 200;

/**
 * `a and not (b or c)`; `not` binds closest, `or` loosest.
 *
 * @throws `SyntaxError` that says what is wrong.
 */
export function parseExpression(text: string): Expression {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  if (tokens.length > MAX_TOKENS) throw new SyntaxError("The expression is too long.");
  let at = 0;
  const take = (wanted: string): boolean => {
    if (tokens[at] !== wanted) return false;
    at += 1;
    return true;
  };
  const chain = (kind: "and" | "or", part: () => Expression): Expression => {
    let left = part();
    while (take(kind)) left = { kind, left, right: part() };
    return left;
  };
  const either = (): Expression => chain("or", both);
  const both = (): Expression => chain("and", single);
  const single = (): Expression => {
    if (take("not")) return { kind: "not", of: single() };
    if (take("(")) {
      const inner = either();
      if (!take(")")) throw new SyntaxError(`A ")" is missing in "${text}".`);
      return inner;
    }
    const word = tokens[at];
    if (word === undefined || word === ")" || word === "and" || word === "or") {
      throw new SyntaxError(`A condition is missing in "${text}".`);
    }
    at += 1;
    return { kind: "condition", text: word };
  };
  const whole = either();
  if (at < tokens.length) throw new SyntaxError(`"${tokens[at]}" is not expected in "${text}".`);
  return whole;
}
