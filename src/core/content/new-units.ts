import { type RawBuilder, sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "../ctx.ts";
import { checked } from "../flight.ts";
import { fileInsert, type NewFile, unitInsert } from "./inserts.ts";
import { prepareUnits } from "./rules.ts";
import type { UnitBatch } from "./types.ts";

/** Statements of a flight that make units. */
export interface UnitStatements {
  readonly statements: readonly RawBuilder<unknown>[];
  /** `content.id` of each unit, in the order given. */
  readonly ids: readonly string[];
}

/**
 * Makes units that are not there yet, with their files; the flight fails if one of them is. Where
 * remotes have the files is not for this: `saveUnits` keeps it.
 */
export function newUnits(
  ctx: Pick<Ctx, "plugins">,
  { domain, type, units }: Omit<UnitBatch, "areNew">,
): UnitStatements {
  if (units.length === 0) return { statements: [], ids: [] };
  const { prepared, keys } = prepareUnits(type, units);
  const made = prepared.map((unit) => ({ id: uuid7(), unit }));
  const ids = new Map(made.map(({ id, unit }) => [unit.hex, id]));
  const target = { domain, type, typeNum: ctx.plugins.contentTypeNum(type.type), isCounted: true };
  const areAll = sql<boolean>`(select count(*) from made) = ${made.length}::int`;
  const files = made.flatMap(({ id, unit }): NewFile[] =>
    unit.files.map(({ relativePath, pathKey, artifact }) => ({
      ...{ content: id, relativePath, pathKey, artifact },
    })),
  );
  return {
    statements: [
      unitInsert(target, made, sql`select ${checked(areAll)}`),
      ...(files.length > 0 ? [fileInsert(domain, files)] : []),
    ],
    ids: keys.map((hex) => ids.get(hex) ?? ""),
  };
}
