import { CompiledQuery, Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { describeOnce } from "./describe-once.ts";
import { Flight } from "./flight.ts";
import type { FlightStatement, Hot, HotStatement } from "./hot.ts";
import { prepareMarked, type StatementNames, statementNames } from "./prepare-marked.ts";

const TIMESTAMPTZ = 1184;
const BIGINT = 20;
const INTERVAL = 1186;

/**
 * `2026-08-12 09:30:00.1234+00` → `2026-08-12T09:30:00.123400Z`, the wire's form: six digits, or no
 * fraction where it is exactly zero (core-rest §1.6).
 */
function wireTime(text: string): string {
  const end = text.length - 3;
  const fraction = end > 19 ? text.slice(19, end).padEnd(7, "0") : "";
  return `${text.slice(0, 10)}T${text.slice(11, 19)}${fraction}Z`;
}

const parsers = new Map<number, (text: string) => unknown>([
  [TIMESTAMPTZ, wireTime],
  [BIGINT, Number],
  [INTERVAL, String],
]);

/** Times as text, `bigint` as number; the rest as the driver does it. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    parsers.get(oid) ??
    pg.types.getTypeParser(oid, format as "text")) as typeof pg.types.getTypeParser,
};

export interface DatabaseOptions {
  /** libpq address: `postgresql://user:password@host:port/name?options`. */
  readonly url: string;
  /** Who vouches for the server, where the address does not say it. */
  readonly tls?: { readonly ca: string; readonly isNamed: boolean } | undefined;
  readonly poolSize: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Called for each statement sent; tests count with it. */
  readonly onStatement?: (text: string) => void;
  /** Called when an idle connection breaks; the pool replaces it. */
  readonly onError?: (error: Error) => void;
}

/** Session values that every connection of ours has: UTC times, and no statement that waits for ever. */
const SESSION = "-c timezone=UTC -c idle_in_transaction_session_timeout=600000 -c jit=off";

/**
 * Flights have connections of their own, few and always busy: each of them plans every statement once,
 * and not five times for values that decide nothing, as it does by itself. Their statements look rows up
 * one by one; a plan that was made when a table had few rows would read all of them later.
 */
const FLIGHT_SESSION = [
  ...[SESSION, "-c plan_cache_mode=force_generic_plan"],
  ...["-c enable_seqscan=off", "-c enable_bitmapscan=off"],
].join(" ");
const MOST_FOR_FLIGHTS = 2;
/** They take turns, so that on a disk that stalls they wait for one another. */
const FOR_FLIGHTS = { options: FLIGHT_SESSION, connectionTimeoutMillis: 30_000 };

export interface Database<Tables> extends AsyncDisposable {
  readonly db: Kysely<Tables>;
  readonly hot: Hot;
  readonly pool: pg.Pool;
}

/** Connection settings for a client outside the pool, e.g. the one that listens. */
export const clientConfig = ({
  url,
  tls,
  applicationName,
}: Pick<DatabaseOptions, "url" | "tls" | "applicationName">) => ({
  connectionString: url,
  ...(tls
    ? { ssl: { ca: tls.ca, ...(tls.isNamed ? {} : { checkServerIdentity: () => undefined }) } }
    : {}),
  application_name: applicationName,
  options: SESSION,
  types,
  keepAlive: true,
});

/** Opens a pool; nothing connects before the first statement. */
export function openDatabase<Tables>(options: DatabaseOptions): Database<Tables> {
  const forFlights = Math.min(MOST_FOR_FLIGHTS, Math.floor(options.poolSize / 4));
  const pool = openPool(options, { max: options.poolSize - forFlights });
  const flights =
    forFlights > 0 ? openPool(options, { max: forFlights, ...FOR_FLIGHTS }) : undefined;
  const nameOf = statementNames();
  prepareMarked(pool, nameOf);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    ...{ db, pool, hot: hotStatements({ pool, flights: flights ?? pool, nameOf }) },
    async [Symbol.asyncDispose]() {
      await Promise.all([db.destroy(), flights?.end()]);
    },
  };
}

function openPool(options: DatabaseOptions, own: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(options),
    idleTimeoutMillis: 60_000,
    connectionTimeoutMillis: 5_000,
    ...own,
  });
  pool.on("error", (error) => options.onError?.(error));
  // A connection that breaks between two statements of a transaction has no other listener, and
  // would end the process; the next statement rejects.
  pool.on("connect", (client) => client.on("error", () => undefined));
  describeOnce(pool, types);
  if (options.onStatement) countStatements(pool, options.onStatement);
  return pool;
}

interface HotParts {
  readonly pool: pg.Pool;
  readonly flights: pg.Pool;
  readonly nameOf: StatementNames;
}

function hotStatements({ pool, flights, nameOf }: HotParts): Hot {
  return {
    async query<Row>(statement: HotStatement<Row>, values: readonly unknown[]): Promise<Row[]> {
      const { name, text } = statement;
      const { rows } = await pool.query({ name, text, values: values as unknown[] });
      return rows as Row[];
    },
    async inOneFlight(statements: readonly FlightStatement[]) {
      const named = statements.map((each) => ({ ...each, name: nameOf(each.text) ?? "" }));
      const flight = new Flight(named, types);
      const client = await flights.connect();
      try {
        client.query(flight);
        return await flight.done;
      } finally {
        client.release(flight.leavesNamesUnknown);
      }
    },
  };
}

/** Sees every statement of every connection, prepared or not. */
function countStatements(pool: pg.Pool, onStatement: (text: string) => void): void {
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    client.query = ((...parameters: unknown[]) => {
      const [first] = parameters as [string | Flight | { text?: string }];
      for (const text of textsOf(first)) onStatement(text);
      return query(...parameters);
    }) as typeof client.query;
  });
}

/** Several statements of a flight stand between the ones that it does without. */
function textsOf(query: string | Flight | { readonly text?: string }): readonly string[] {
  if (!(query instanceof Flight)) return [typeof query === "string" ? query : (query.text ?? "")];
  const texts = query.statements.map(({ text }) => text);
  return texts.length > 1 ? ["begin", ...texts, "commit"] : texts;
}

/** Runs text with numbered parameters through the query builder's connection. */
export const rawQuery = (text: string, values: readonly unknown[] = []) =>
  CompiledQuery.raw(text, [...values]);
