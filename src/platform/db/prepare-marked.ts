import { hash } from "node:crypto";
import type pg from "pg";
import { PREPARE } from "#base/prepare.ts";

/** Texts that are built from parts could have no end. */
const MOST_NAMES = 500;

/** Names of the statements that are marked, made from their texts; undefined for all others. */
export type StatementNames = (text: string) => string | undefined;

export function statementNames(): StatementNames {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= MOST_NAMES || !text.startsWith(PREPARE)) return known;
    const made = `marked ${hash("sha256", text).slice(0, 32)}`;
    names.set(text, made);
    return made;
  };
}

/** Prepares the statements that are marked for it. */
export function prepareMarked(pool: pg.Pool, nameOf: StatementNames): void {
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    client.query = ((...parameters: unknown[]) => {
      const [text, values, ...others] = parameters;
      const name = typeof text === "string" ? nameOf(text) : undefined;
      return name === undefined ? query(...parameters) : query({ name, text, values }, ...others);
    }) as typeof client.query;
  });
}
