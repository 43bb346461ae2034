import { objectError } from "#base/errors.ts";

/** What PostgreSQL says about a refused statement. */
export interface DatabaseFault {
  /** SQLSTATE: `23505`, `23503`, `23P01`, `23514`, `40P01`, … */
  readonly code: string;
  readonly constraint?: string;
  /** `Key (domain, name)=(1, zoo) already exists.` */
  readonly detail?: string;
}

/** Constraint name → the error that a client sees (data-model §16); one table per noun. */
export type ConstraintTable = Readonly<Record<string, (fault: DatabaseFault) => Error>>;

/** The facts of a database error; undefined for every other error. */
export function databaseFault(error: unknown): DatabaseFault | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") {
    return undefined;
  }
  // `EPIPE` of a connection that breaks looks like a state of SQL.
  if ("syscall" in error || !/^[0-9A-Z]{5}$/.test(error.code)) return undefined;
  return {
    code: error.code,
    ...("constraint" in error && typeof error.constraint === "string"
      ? { constraint: error.constraint }
      : {}),
    ...("detail" in error && typeof error.detail === "string" ? { detail: error.detail } : {}),
  };
}

const TOO_LONG = "54000";

/** The wire error of a refused statement; an error that the table does not know stays as it is. */
export function translateConstraint(table: ConstraintTable, error: unknown): unknown {
  const fault = databaseFault(error);
  // An index names itself too when a value is longer than it can hold, which is no duplicate.
  if (fault?.code === TOO_LONG) return objectError("A value is too long.");
  const translate = fault?.constraint === undefined ? undefined : table[fault.constraint];
  return fault && translate ? translate(fault) : error;
}

/** For `.catch(…)`: throws the translated error. */
export const rethrow =
  (table: ConstraintTable) =>
  (error: unknown): never => {
    throw translateConstraint(table, error);
  };
