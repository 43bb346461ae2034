import type { FastifyReply, FastifyRequest } from "fastify";
import type { Rights } from "#core/access/types.ts";
import type { Caller, Ctx } from "#core/ctx.ts";
import type { Job } from "#core/plugin-contract.ts";
import type { View } from "./view.ts";

/** Who asks for what, and how addresses look to them; also made for tasks, without a request. */
export interface Run {
  readonly ctx: Ctx;
  readonly caller: Caller;
  readonly view: View;
  /** The task that it runs in, if it is one. */
  readonly job?: Job;
}

/** One request that passed authentication. */
export interface Call extends Run {
  /** What the caller may do. */
  readonly rights: Rights;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** Last values of the query string; lists by `all`. */
  readonly query: URLSearchParams;
}
