import type pg from "pg";
import type { FlightStatement } from "./hot.ts";
import { prepareValue } from "./prepare-value.ts";
import { readRow, type Shape, shapeOf, shapesOf } from "./shapes.ts";

/** What this needs of a connection of the driver, beside what its types tell. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  readonly parsedStatements: Record<string, string | undefined>;
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: { readonly statement: string; readonly values: readonly Parameter[] }): void;
  describe(message: { readonly type: "P"; readonly name: string }): void;
  execute(message: { readonly portal: string }): void;
  sync(): void;
}

type Parameter = ReturnType<typeof prepareValue>;

/** A statement of a flight, under the name that connections know it by; empty for none. */
export interface NamedStatement extends FlightStatement {
  readonly name: string;
}

type Sent = Omit<NamedStatement, "values"> & { readonly values: readonly Parameter[] };

/** What is on its way back. */
interface Awaited {
  readonly statement: Sent;
  /** Undefined until the server has described the rows. */
  shape: Shape | undefined;
  readonly rows: unknown[];
}

export type FlightRows = readonly (readonly unknown[])[];

/**
 * Statements that are sent at one stroke, with one Sync behind them all: PostgreSQL takes them for one
 * transaction, commits it by itself and answers once. Handed to a client of the driver as its queries
 * are.
 *
 * @see PostgreSQL, "Frontend/Backend Protocol", "Pipelining"
 */
export class Flight implements pg.Submittable {
  readonly statements: readonly Sent[];
  readonly #types: pg.CustomTypesConfig;
  readonly #done = Promise.withResolvers<FlightRows>();
  #awaited: readonly Awaited[] = [];
  /** Which of them the server answers. */
  #at = 0;
  #parsed: readonly Sent[] = [];
  #failure: unknown;
  /** Of a row that came and is not to be read; what was asked for is done. */
  #unread: { readonly error: unknown } | undefined;

  constructor(statements: readonly NamedStatement[], types: pg.CustomTypesConfig) {
    // Before anything is sent: what cannot be a parameter must not leave half a message behind.
    this.statements = statements.map((each) => ({
      ...each,
      values: each.values.map(prepareValue),
    }));
    this.#types = types;
  }

  /** Rows of each statement, in their order; rejects where nothing was done. */
  get done(): Promise<FlightRows> {
    return this.#done.promise;
  }

  /** After a failure nobody can tell which names the connection knows by now. */
  get leavesNamesUnknown(): boolean {
    return this.#failure !== undefined && this.#parsed.length > 0;
  }

  submit(connection: unknown): void {
    const wire = connection as Wire;
    const shapes = shapesOf(wire);
    this.#awaited = this.statements.map((statement) => {
      const shape = shapes.get(statement.name);
      return { statement, shape: shape?.text === statement.text ? shape : undefined, rows: [] };
    });
    wire.stream.cork();
    try {
      this.#send(wire);
    } finally {
      wire.stream.uncork();
    }
  }

  handleRowDescription({ fields }: { readonly fields: Parameters<typeof shapeOf>[1] }): void {
    const current = this.#awaited[this.#at];
    if (current) current.shape = shapeOf(current.statement.text, fields, this.#types);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const current = this.#awaited[this.#at];
    try {
      if (current?.shape) current.rows.push(readRow(current.shape, fields));
    } catch (error) {
      this.#unread ??= { error };
    }
  }

  handleCommandComplete(): void {
    this.#at += 1;
  }

  /** What comes after the statement that failed is passed over by the server. */
  handleError(error: unknown): void {
    this.#failure = error;
    this.#done.reject(error);
  }

  handleReadyForQuery(connection: unknown): void {
    const wire = connection as Wire;
    for (const { name, text } of this.#parsed) wire.parsedStatements[name] = text;
    const shapes = shapesOf(wire);
    for (const { statement, shape } of this.#awaited) {
      const { name, text } = statement;
      if (name !== "") shapes.set(name, shape ?? shapeOf(text, [], this.#types));
    }
    if (this.#unread) this.#done.reject(this.#unread.error);
    else this.#done.resolve(this.#awaited.map(({ rows }) => rows));
  }

  #send(wire: Wire): void {
    const known = new Set<string>();
    const parsed: Sent[] = [];
    for (const { statement, shape } of this.#awaited) {
      const { name, text } = statement;
      const isKnown = wire.parsedStatements[name] !== undefined || known.has(name);
      if (name === "" || !isKnown) wire.parse({ name, text });
      if (name !== "" && !isKnown) parsed.push(statement);
      known.add(name);
      wire.bind({ statement: name, values: statement.values });
      if (!shape) wire.describe({ type: "P", name: "" });
      wire.execute({ portal: "" });
    }
    wire.sync();
    this.#parsed = parsed;
  }
}
