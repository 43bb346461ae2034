import pg from "pg";
import type { FlightStatement } from "./hot.ts";
import { prepareValue } from "./prepare-value.ts";

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

interface Rows {
  readonly rows: readonly unknown[];
  addFields(fields: readonly unknown[]): void;
  parseRow(fields: readonly unknown[]): unknown;
  addRow(row: unknown): void;
}

/** A statement of a flight, under the name that connections know it by; empty for none. */
export interface NamedStatement extends FlightStatement {
  readonly name: string;
}

type Sent = Omit<NamedStatement, "values"> & { readonly values: readonly Parameter[] };

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
  readonly #results: Rows[] = [];
  #current: Rows;
  #parsed: readonly Sent[] = [];
  #failure: unknown;

  constructor(statements: readonly NamedStatement[], types: pg.CustomTypesConfig) {
    // Before anything is sent: what cannot be a parameter must not leave half a message behind.
    this.statements = statements.map((each) => ({
      ...each,
      values: each.values.map(prepareValue),
    }));
    this.#types = types;
    this.#current = this.#newResult();
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
    wire.stream.cork();
    try {
      this.#send(wire);
    } finally {
      wire.stream.uncork();
    }
  }

  handleRowDescription({ fields }: { readonly fields: readonly unknown[] }): void {
    this.#current.addFields(fields);
  }

  handleDataRow({ fields }: { readonly fields: readonly unknown[] }): void {
    this.#current.addRow(this.#current.parseRow(fields));
  }

  handleCommandComplete(): void {
    this.#results.push(this.#current);
    this.#current = this.#newResult();
  }

  /** What comes after the statement that failed is passed over by the server. */
  handleError(error: unknown): void {
    this.#failure = error;
    this.#done.reject(error);
  }

  handleReadyForQuery(connection: unknown): void {
    const { parsedStatements } = connection as Wire;
    for (const { name, text } of this.#parsed) parsedStatements[name] = text;
    this.#done.resolve(this.#results.map(({ rows }) => rows));
  }

  #send(wire: Wire): void {
    const known = new Set<string>();
    const parsed: Sent[] = [];
    for (const statement of this.statements) {
      const { name, text } = statement;
      const isKnown = wire.parsedStatements[name] !== undefined || known.has(name);
      if (name === "" || !isKnown) wire.parse({ name, text });
      if (name !== "" && !isKnown) parsed.push(statement);
      known.add(name);
      wire.bind({ statement: name, values: statement.values });
      wire.describe({ type: "P", name: "" });
      wire.execute({ portal: "" });
    }
    wire.sync();
    this.#parsed = parsed;
  }

  #newResult(): Rows {
    return new pg.Result("", this.#types as unknown as typeof pg.types) as unknown as Rows;
  }
}
