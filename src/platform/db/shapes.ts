import type pg from "pg";

/** How the rows of a prepared statement are read. It holds as long as the statement is prepared. */
export interface Shape {
  readonly text: string;
  readonly names: readonly string[];
  readonly parsers: readonly ((text: string) => unknown)[];
}

type Fields = readonly { readonly name: string; readonly dataTypeID: number }[];

/** @param fields as the server describes them; none for a statement without rows. */
export const shapeOf = (text: string, fields: Fields, types: pg.CustomTypesConfig): Shape => ({
  text,
  names: fields.map(({ name }) => name),
  parsers: fields.map(({ dataTypeID }) => types.getTypeParser(dataTypeID, "text")),
});

export function readRow({ names, parsers }: Shape, texts: readonly (string | null)[]): unknown {
  const row: Record<string, unknown> = {};
  for (const [at, text] of texts.entries())
    row[names[at] ?? ""] = text === null ? null : parsers[at]?.(text);
  return row;
}

const known = new WeakMap<object, Map<string, Shape>>();

/** The shapes that a connection of the driver was told, by the names of their statements. */
export function shapesOf(connection: object): Map<string, Shape> {
  const shapes = known.get(connection) ?? new Map<string, Shape>();
  known.set(connection, shapes);
  return shapes;
}
