import type { RawBuilder } from "kysely";
import type { Run } from "../call.ts";
import type { JsonSchema } from "../schema.ts";

export type Condition = RawBuilder<unknown>;

/** One query parameter of a list. */
export interface Filter {
  readonly schema: JsonSchema;
  /** Several values with commas in one parameter. */
  readonly isCsv?: boolean;
  /** Given several times, any of the values may hold; elsewhere the last one counts. */
  readonly isRepeatable?: boolean;
  /** Empty text is a value; elsewhere it means "not given". */
  readonly takesEmpty?: boolean;
  readonly description?: string;
  /**
   * SQL over the aliases of the source; undefined ignores the parameter.
   *
   * @throws `FilterProblem`.
   */
  condition(value: string, run: Run): Promise<Condition | undefined> | Condition | undefined;
}

export type Filters = Readonly<Record<string, Filter>>;

/** A filter's value breaks a rule. */
export class FilterProblem extends Error {
  readonly code: string;
  /** The answer is a bare list instead of `{name: [text]}`. */
  readonly isBare: boolean;

  constructor(text: string, { code = "invalid", isBare = false } = {}) {
    super(text);
    this.name = "FilterProblem";
    this.code = code;
    this.isBare = isBare;
  }
}
