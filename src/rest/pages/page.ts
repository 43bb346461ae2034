import type { Ctx, User } from "#core/ctx.ts";
import type { Call } from "../kit/call.ts";
import type { Account } from "./account.ts";
import type { Desk } from "./desk.ts";

/** Texts of a form or of a query by name; of a repeated name the last. */
export type Form = Readonly<Record<string, string | undefined>>;

/** A request of a browser to a page, whoever sits there. */
export interface OpenVisit {
  readonly call: Call;
  /** Null for strangers. */
  readonly user: User | null;
  /** For the field `csrfmiddlewaretoken` of forms; the browser gets one if it has none. */
  readonly token: () => string;
  readonly query: Form;
  /** What the page before this one left to be told, once. */
  readonly message: () => string | undefined;
  readonly account: Account;
}

/** The same of somebody who is logged in. */
export interface Visit extends OpenVisit {
  readonly user: User;
  readonly desk: Desk;
}

export type PageAnswer =
  | { readonly kind: "page"; readonly html: string; readonly status?: number }
  | {
      readonly kind: "moved";
      /** Path on this host. */
      readonly to: string;
      /** To be told by the next page: plain text. */
      readonly message?: string;
      /** What was asked for is done, so it belongs into the audit trail. */
      readonly isDone?: boolean;
    }
  | { readonly kind: "asset"; readonly type: string; readonly body: string };

export interface PageOf<V extends OpenVisit> {
  /** From the root of the host, with `:key` for the key of an object. */
  readonly path: string;
  /** How the audit trail and metrics call it: `pulp_mgmt_core_group_change`. */
  readonly name: string;
  /** It changes something when it is only looked at, so links to it carry the token. */
  readonly changesByLink?: true;
  show?(visit: V): Promise<PageAnswer>;
  /** Answers a form that comes from a page of ours. */
  send?(visit: V, form: Form): Promise<PageAnswer>;
}

/** A page for people: whoever is not logged in is led to the log-in, unless it is open. */
export type Page =
  | (PageOf<Visit> & { readonly isOpen?: false })
  | (PageOf<OpenVisit> & { readonly isOpen: true });

/** Why there is no page. */
export interface PageProblem {
  readonly status: number;
  readonly text: string;
}

/** The pages of one site, which look alike. */
export interface PageSite {
  readonly pages: readonly Page[];
  /** Path of the page that leads on to `?next=`. */
  readonly logInPath: string;
  /** Origin of the style sheet, if it is not ours. */
  readonly styleOrigin?: string;
  /** The document that tells of a refusal or a failure. */
  problem(visit: OpenVisit, problem: PageProblem): string;
}

/** The pages of a site by what the settings say. */
export type PageSiteOf = (settings: Ctx["settings"]) => PageSite;
