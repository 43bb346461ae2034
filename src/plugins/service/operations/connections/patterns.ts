import { type Db, sql } from "#sdk";

/** A way to use a connection that a proxy before the database may or may not keep (service §10.6). */
export interface Pattern {
  readonly summary: string;
  /** Everything happens in one transaction. */
  readonly isTransaction?: true;
  /** Something is asked all the time. */
  readonly isActive?: true;
  /** State that belongs to the connection: what makes it, and whether it is there still. */
  readonly state?: {
    make(db: Db): Promise<void>;
    isKept(db: Db): Promise<boolean>;
    drop(db: Db): Promise<void>;
  };
}

const VARIABLE = "deckle.connection_test";
const CHANNEL = "deckle_connection_test";

const variable: NonNullable<Pattern["state"]> = {
  make: async (db) => void (await sql`select set_config(${VARIABLE}, 'kept', false)`.execute(db)),
  async isKept(db) {
    const { rows } = await sql<{ value: string | null }>`
      select current_setting(${VARIABLE}, true) as value`.execute(db);
    return rows[0]?.value === "kept";
  },
  drop: async (db) => void (await sql`select set_config(${VARIABLE}, '', false)`.execute(db)),
};

const listening: NonNullable<Pattern["state"]> = {
  make: async (db) => void (await sql`listen ${sql.raw(CHANNEL)}`.execute(db)),
  async isKept(db) {
    const { rows } = await sql`
      select from pg_listening_channels() as c where c = ${CHANNEL}`.execute(db);
    return rows.length > 0;
  },
  drop: async (db) => void (await sql`unlisten ${sql.raw(CHANNEL)}`.execute(db)),
};

export const PATTERNS = {
  test_1_idle_connection: { summary: "A connection on which nothing is asked" },
  test_2_active_heartbeat: {
    summary: "A connection on which something is always asked",
    isActive: true,
  },
  test_3_long_transaction: {
    summary: "A transaction in which nothing is asked",
    isTransaction: true,
  },
  test_4_transaction_with_work: {
    summary: "A transaction in which something is always asked",
    ...{ isTransaction: true, isActive: true },
  },
  test_5_session_variable: { summary: "A variable of the session", state: variable },
  test_6_listen_notify: { summary: "A channel that is listened to", state: listening },
  test_7_listen_with_activity: {
    summary: "A channel that is listened to, and something is always asked",
    ...{ isActive: true, state: listening },
  },
} as const satisfies Readonly<Record<string, Pattern>>;

export type PatternName = keyof typeof PATTERNS;

export const PATTERN_NAMES = Object.keys(PATTERNS) as readonly PatternName[];
