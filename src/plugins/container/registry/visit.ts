import type { Plugin } from "#sdk";

export type Door = NonNullable<Plugin["doors"]>[number];

export type DoorTools = Parameters<Door["open"]>[0];
export type Exchange = Parameters<ReturnType<Door["open"]>["handle"]>[0];
export type Identified = NonNullable<Awaited<ReturnType<DoorTools["identify"]>>>;
export type Answer = Parameters<DoorTools["sender"]["send"]>[1];
export type ServedDomain = Parameters<DoorTools["sender"]["answer"]>[1]["domain"];

/** One request on its way. */
export interface Visit {
  readonly exchange: Exchange;
  readonly method: string;
  /** Where the registry lies for this client, before `v2/`: `/`. */
  readonly prefix: string;
}

/** The query, read when somebody asks. */
export const queryOf = ({ exchange }: Visit): URLSearchParams =>
  new URLSearchParams(exchange.query);
