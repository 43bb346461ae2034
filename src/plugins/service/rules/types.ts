/** Who comes, as the gateway says. */
export interface Principal {
  /** Canonical name of the certificate. */
  readonly subject?: string;
  /** The outer organisation of the identity: `.identity.org_id`. */
  readonly organisation?: string;
  /** The inner one, which says whose a certificate is. */
  readonly inner?: string;
}

export type RuleAction = "pull" | "push";

/** A request that a rule may be about. */
export interface AskedRequest {
  readonly principal: Principal;
  readonly action: RuleAction;
  /** Below the base path of the distribution; undefined asks about none. */
  readonly path: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** One rule in front of a guard, as requests are held against it. */
export interface GuardRule {
  readonly effect: "allow" | "deny";
  readonly enabled: boolean;
  readonly actions: readonly string[];
  readonly path_prefixes: readonly string[];
  /** Milliseconds since 1970. */
  readonly valid_from: number | null;
  readonly valid_until: number | null;
  /** Exactly one of these three is there. `subject` is a canonical pattern. */
  readonly subject: string | null;
  readonly org_id: string | null;
  readonly account: RuleAccount | null;
}

/** The service account that a rule is about. */
export interface RuleAccount {
  readonly canonical_dn: string;
  readonly org_id: string | null;
  readonly enabled: boolean;
  /** Milliseconds since 1970. */
  readonly expires_at: number | null;
}
