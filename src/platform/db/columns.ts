import type { ColumnType, Generated } from "kysely";

/**
 * A time as the database writes it on the wire: UTC, microseconds, `Z`
 * (`2026-08-12T09:30:00.123456Z`). Rows hold this text, since a JavaScript date drops microseconds.
 */
export type Timestamp = string;

/** A column that is stamped by the database and may be set by an update. */
export type Stamped = ColumnType<Timestamp, Timestamp | undefined, Timestamp>;

/** A JSON column: read as a value, written as JSON text. */
export type JsonColumn<Value> = ColumnType<Value, string, string>;
export type JsonDefault<Value> = ColumnType<Value, string | undefined, string>;

/** A text column that is stored encrypted; it holds a Fernet token. */
export type SecretToken = string | null;

export type { Generated };
