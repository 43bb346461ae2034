import type { Json } from "#base/json.ts";

/** What a jq program makes of a JSON text. */
export type JqResult =
  | { readonly kind: "value"; readonly value: Json }
  /** It ran and had nothing to say. */
  | { readonly kind: "empty" }
  /** It is no program, failed on this input, or took more time or memory than it may. */
  | { readonly kind: "failed"; readonly why: string };

/**
 * Programs of the language jq, run apart from everything: without files, environment or further
 * input, in bounded time and memory (reliability T23).
 */
export interface Jq {
  /** The first result of a program. Never rejects. */
  first(program: string, input: string): Promise<JqResult>;
  /** Why a text is no jq program; undefined if it is one. */
  problem(program: string): Promise<string | undefined>;
}
