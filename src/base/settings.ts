import type { Static, TSchema } from "@sinclair/typebox";

/** One setting: declared once, read by the loader, the start-up check and the reference page. */
export interface SettingSpec {
  /** Type and limits of the value. */
  readonly schema: TSchema;
  /** Value without configuration; a function of the other settings where it is derived. */
  readonly default: unknown;
  /** Unit of a number: "seconds", "bytes", "minutes", … */
  readonly unit?: string;
  /** One or two sentences for the reference page. */
  readonly doc: string;
  /** Never shown by `settings list`, never logged. */
  readonly secret?: boolean;
  /** A whole-value rule beyond the schema; returns the sentence to show, or undefined. */
  readonly check?: (value: never) => string | undefined;
}

export type SettingSpecs = Readonly<Record<string, SettingSpec>>;

/** The values that a table of settings yields. */
export type SettingValues<Specs extends SettingSpecs> = {
  readonly [Name in keyof Specs]: Static<Specs[Name]["schema"]>;
};

/** Keeps the literal types of the table; a setting without a text does not compile. */
export const defineSettings = <const Specs extends SettingSpecs>(specs: Specs): Specs => specs;
