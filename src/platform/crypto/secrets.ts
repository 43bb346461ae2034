/** Seals secrets for the database (Fernet, core-tasks-ops §21.1). */
export interface Secrets {
  /** First 8 hex digits of the hash of the key that seals now. */
  readonly keyName: string;
  /** A Fernet token. */
  seal(text: string): string;
  /** Throws `secretErrors.unreadable` if no key opens the token. */
  open(token: string): string;
}
