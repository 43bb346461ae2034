import type pg from "pg";
import { serialize } from "pg-protocol";
import { prepareValue } from "./prepare-value.ts";
import { readRow, type Shape } from "./shapes.ts";

/** Larger parameters are not copied to go out in one piece with what follows them. */
const MOST_COPIED_BYTES = 16_384;

/** Runs the portal to its end, and ends the exchange. */
const TAIL = Buffer.concat([serialize.execute(), serialize.sync()]);

export interface DescribedResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: readonly unknown[];
}

type Callback = (error: unknown, result?: DescribedResult) => void;

interface Connection {
  readonly stream: {
    write(bytes: Buffer): boolean;
    cork(): void;
    uncork(): void;
  };
}

const COMMAND = /^([A-Za-z]+)(?: (\d+))?(?: (\d+))?/;

/**
 * A statement that its connection has prepared before, so that nothing is to be told of it again:
 * values go out in one piece, and no description of the rows comes back. The driver asks for one
 * each time, which is a fifth of what a short statement costs here.
 *
 * @see PostgreSQL 18, "Frontend/Backend Protocol", Extended Query
 */
export class DescribedQuery {
  readonly name: string;
  readonly text: string;
  readonly #shape: Shape;
  readonly #values: readonly unknown[];
  readonly #rows: unknown[] = [];
  #command = "";
  #rowCount: number | null = null;
  #failure: { readonly error: unknown } | undefined;
  /** Read and replaced by the driver. */
  callback: Callback;

  constructor(
    of: { readonly name: string; readonly shape: Shape; readonly values: readonly unknown[] },
    callback: Callback,
  ) {
    this.name = of.name;
    this.text = of.shape.text;
    this.#shape = of.shape;
    this.#values = of.values;
    this.callback = callback;
  }

  /** Called by the driver when the connection is free. */
  submit({ stream }: Connection): Error | null {
    let bind: Buffer;
    try {
      const [statement, values] = [this.name, this.#values as unknown[]];
      bind = serialize.bind({ statement, values, valueMapper: prepareValue });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    if (bind.length <= MOST_COPIED_BYTES) stream.write(Buffer.concat([bind, TAIL]));
    else {
      stream.cork();
      stream.write(bind);
      stream.write(TAIL);
      stream.uncork();
    }
    return null;
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    try {
      this.#rows.push(readRow(this.#shape, fields));
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const [, command = "", first, second] = COMMAND.exec(text) ?? [];
    this.#command = command;
    const count = second ?? first;
    this.#rowCount = count === undefined ? null : Number(count);
  }

  handleReadyForQuery(): void {
    if (this.#failure) this.callback(this.#failure.error);
    else {
      const [command, rowCount, rows] = [this.#command, this.#rowCount, this.#rows];
      this.callback(null, { command, rowCount, rows });
    }
  }

  handleError(error: unknown): void {
    this.callback(error);
  }
}

/** What the driver calls a query that brings its own protocol. */
export const isNamed = (config: unknown): config is pg.QueryConfig & { name: string } =>
  typeof config === "object" &&
  config !== null &&
  !("submit" in config) &&
  "name" in config &&
  typeof config.name === "string" &&
  !("rowMode" in config);
