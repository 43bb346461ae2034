import type { IncomingMessage } from "node:http";
import type { RawBuilder } from "kysely";
import type { Validators } from "#base/conditional.ts";
import type { AuditEntry } from "#core/audit/types.ts";
import type { Ctx, DomainRef, User } from "#core/ctx.ts";
import type { AccessTools } from "#core/policies/access-tools.ts";
import type { Answer } from "./answer.ts";
import type { ChangeFeed, ChangeListener } from "./change-feed.ts";
import type { CountedFile, FromUpstream, GuardRef, ServedDomain, Stored } from "./contract.ts";
import type { Sending } from "./download-tally.ts";
import type { Exchange } from "./exchange.ts";
import type { SendOptions } from "./send.ts";

/**
 * Endpoints that a plugin answers itself, on the sockets of the API server and before its router,
 * such as a registry's `/v2/`: for protocols whose addresses, errors and bodies are not those of the
 * REST API. The server has checked the request's head and its Host header, counts the request, writes
 * its line of the access log and waits for its end when it stops.
 */
export interface Door {
  /** Called once, when a server starts. */
  open(tools: DoorTools): OpenDoor;
}

export interface OpenDoor {
  /** `/v2/` takes everything below, `/token` exactly itself. */
  readonly paths: readonly string[];
  /**
   * Answers a request; a promise where the answer was not at hand. What it rejects with is logged and
   * answered 500, or 503 while the database is away.
   */
  handle(exchange: Exchange): undefined | Promise<void>;
  /** Answers what `handle` could not, in the shape of the protocol: a status of at least 400. */
  fail(exchange: Exchange, status: number): void;
  /** After the last answer. */
  close(): Promise<void>;
}

/** Who sent a request, and the class of authentication that recognised them. */
export interface Identified {
  readonly user: User;
  readonly by: string;
}

/** What somebody wants to do at a door. */
export interface DoorQuestion {
  readonly user: User | null;
  /** Name of the domain; one that does not exist is refused. */
  readonly domain: string;
  /** Whether it changes nothing. */
  readonly isRead: boolean;
  /** As policies name addresses: `registry`. */
  readonly viewset: string;
}

/** A request for something of a distribution, before its content guard. */
export interface DoorPassage {
  readonly domain: DomainRef;
  readonly guard: GuardRef;
  /** Of the distribution. */
  readonly basePath: string;
  /** What is asked for below it, `manifests/latest`; empty for all of it. */
  readonly below: string;
  /** Whether it changes nothing there. */
  readonly isRead: boolean;
}

/** What a door works with. */
export interface DoorTools {
  readonly ctx: Ctx;
  readonly access: AccessTools;
  /**
   * Asks the configured classes of authentication; undefined if none recognises the request.
   *
   * @param authorization in place of the header of that name; null is without any.
   * @throws `CodedError` with 401, 403 or 429
   */
  identify(
    request: IncomingMessage,
    authorization?: string | null,
  ): Promise<Identified | undefined>;
  /**
   * Asks the permission class that the settings choose; undefined where the door's own rules decide.
   *
   * @param own the answer of those rules, which some classes ask for.
   */
  readonly decide?: (
    request: IncomingMessage,
    asked: DoorQuestion,
    own: () => boolean | Promise<boolean>,
  ) => Promise<boolean>;
  /**
   * Whether what stands before content guards refuses a request; the guards themselves are not asked.
   * Absent where nothing stands there.
   */
  readonly refuses?: (request: IncomingMessage, passage: DoorPassage) => Promise<boolean>;
  /** Address of the client, after trusted proxies. */
  addressOf(request: IncomingMessage): string;
  /** How the client knows us, after trusted proxies: `https`, and the host with its port. */
  originOf(request: IncomingMessage): { readonly protocol: string; readonly host: string };
  /** For the access log. */
  rememberUser(request: IncomingMessage, name: string): void;
  readonly sender: FileSender;
  /** Follows changes of distributions; the door stops it when it is closed. */
  follow(listener: ChangeListener): ChangeFeed;
  /**
   * Writes down a change before it is acknowledged; resolves at once while the audit trail is off.
   *
   * @throws if it cannot be written: then the change must not be acknowledged.
   */
  record(entry: AuditEntry): Promise<void>;
  /** Statements that write down changes in their own transaction; none while the trail is off. */
  recording(entries: readonly AuditEntry[]): readonly RawBuilder<unknown>[];
  /** Counts a file that was sent to somebody, unless it was no download; absent where nobody counts. */
  readonly countSent?: (exchange: Exchange, file: CountedFile, sending: Sending) => void;
}

/** Sends files as the content app does: conditions, ranges, and the ways that cost least. */
export interface FileSender {
  /** An answer for a stored file, which can be sent any number of times. */
  answer(stored: Stored, place: SentFrom): Promise<Answer>;
  /**
   * The same answer with its bytes in memory, for what is asked for often; its weight is its size.
   *
   * @throws what the store says if they cannot be read
   */
  inMemory(answer: Answer): Promise<Answer>;
  /** An answer of bytes, 200, that is sent often: a small one leaves in one write. */
  frequent(
    bytes: Buffer,
    of: { readonly headers: Readonly<Record<string, string>>; readonly validators?: Validators },
  ): Answer;
  /** @param refusals what the door answers itself, in the shape of its protocol */
  send(
    exchange: Exchange,
    answer: Answer,
    refusals?: Pick<SendOptions, "unsatisfiable" | "blocked">,
  ): undefined | Promise<void>;
  /**
   * Sends a file while it comes from where a remote has it; all who ask for it share one download, and
   * it is kept unless the remote only streams.
   *
   * @returns bytes of the file that were sent.
   */
  sendUpstream(exchange: Exchange, file: RemoteFile, place: SentFrom): Promise<number>;
}

/** A unit file that is not in the store. */
export interface RemoteFile extends Omit<FromUpstream, "kind" | "sources" | "pull"> {
  readonly contentArtifact: string;
}

export interface SentFrom {
  readonly domain: ServedDomain;
  readonly method: "GET" | "HEAD";
}
