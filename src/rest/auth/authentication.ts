import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Ctx, User } from "#core/ctx.ts";

/** What a request tells about who sent it: one of the framework, or one on a bare socket. */
export interface Asking {
  readonly raw: IncomingMessage;
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
  /** As it was sent, before any rewriting. */
  readonly originalUrl: string;
  /** Of the client, after trusted proxies; a Unix socket has none. */
  readonly ip: string;
  /** As the client knows us, after trusted proxies. */
  readonly host: string;
  readonly protocol: string;
  /** Known once the request has one. */
  readonly correlationId?: string;
}

/** Who asks, and what it was found out by. */
export interface Identity {
  readonly user: User;
  /** Stored hash that a password was compared with; a session begins only while it is the one. */
  readonly passwordHash?: string;
  /** By a token, which may allow less than its user: no session begins by it (reliability T32). */
  readonly isToken?: boolean;
}

/**
 * A way to recognise who asks (core-rest §5). Which of them are asked, and in which order, says
 * `REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES`.
 */
export interface AuthenticationClass {
  /** How the audit trail calls it: `basic`. */
  readonly name: string;
  /** Names in the setting; the first is the usual one. */
  readonly identifiers: readonly string[];
  /** Place in the order without the setting, lowest first; absent is not asked. */
  readonly defaultRank?: number;
  /** `WWW-Authenticate` of a 401. If the first class has none, what would be a 401 is a 403. */
  readonly challenge?: (request: Asking) => string;
  /** What the API description says about it. */
  readonly scheme?: (settings: Ctx["settings"]) => SecurityScheme | undefined;
  /** What of the settings it cannot work with, as a sentence. */
  readonly problem?: (settings: Ctx["settings"]) => string | undefined;
  /** Binds it to a process. */
  open(ctx: Ctx): Authenticate;
}

/**
 * Who sent a request; undefined leaves the request to the next class.
 *
 * @throws `CodedError` with 401, 403 or 429 if the request is of this kind, but refused.
 */
export type Authenticate = (request: Asking) => Promise<Identity | undefined>;

export interface SecurityScheme {
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
}
