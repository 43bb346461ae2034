import type { Unhandled } from "../log/log.ts";

/** Where errors that nobody foresaw are gathered. */
export interface ErrorTracker extends AsyncDisposable {
  capture(error: unknown, where: Unhandled): void;
  /** Sends what waits. */
  flush(): Promise<void>;
}

export interface ErrorTrackerOptions {
  /** Address of the project, with its public key. */
  readonly dsn: string;
  readonly release: string;
  readonly environment: string | undefined;
  /** Role of this process. */
  readonly role: string;
  /** Told once when reports cannot be sent. */
  readonly onTrouble: (message: string) => void;
}
