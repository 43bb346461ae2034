import { hash } from "node:crypto";
import type pg from "pg";
import { PREPARE } from "#base/prepare.ts";

/** Texts that are built from parts could have no end. */
const MOST_NAMES = 500;

/** Prepares the statements that are marked for it, under a name made from the text. */
export function prepareMarked(pool: pg.Pool): void {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= MOST_NAMES) return known;
    const made = `marked ${hash("sha256", text).slice(0, 32)}`;
    names.set(text, made);
    return made;
  };
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    client.query = ((...parameters: unknown[]) => {
      const [text, values, ...others] = parameters;
      const isMarked = typeof text === "string" && text.startsWith(PREPARE);
      const name = isMarked ? nameOf(text) : undefined;
      return name === undefined ? query(...parameters) : query({ name, text, values }, ...others);
    }) as typeof client.query;
  });
}
