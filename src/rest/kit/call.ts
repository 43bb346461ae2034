import type { FastifyReply, FastifyRequest } from "fastify";
import type { Rights } from "#core/access/types.ts";
import type { Caller, Ctx } from "#core/ctx.ts";
import type { Job } from "#core/plugin-contract.ts";
import type { Recognised } from "../auth/chain.ts";
import type { AuditDraft } from "./audit.ts";
import type { View } from "./view.ts";

/** What this server keeps with each request. */
declare module "fastify" {
  interface FastifyRequest {
    correlationId: string;
    /** API root as the client wrote it. */
    apiRoot: string;
    /** Template of the route, for metrics. */
    routeTemplate: string;
    /** `WWW-Authenticate` of a 401; undefined makes it a 403. */
    challenge: string | undefined;
    /** What the audit trail will hold of this request; null where it holds nothing. */
    audit: AuditDraft | null;
    /** Clients read the answer only after they have sent everything, so a refusal hears them out. */
    isHeardOut: boolean;
    /** Undefined for strangers. */
    identity: Recognised | undefined;
  }
}

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
