/** A script that the server runs as one step. */
export interface RedisScript {
  readonly name: string;
  readonly lua: string;
}

/**
 * A Redis server. Every call ends within a second, and rejects where the server is away, hangs or is
 * busy: whoever calls goes on without it.
 */
export interface Redis {
  /** Whether it answers now. */
  isConnected(): Promise<boolean>;
  run(script: RedisScript, keys: readonly string[], values: readonly string[]): Promise<unknown>;
  /** Any command. */
  send(...words: readonly string[]): Promise<unknown>;
}

export interface OpenRedis extends Redis, AsyncDisposable {}

export interface RedisOptions {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  readonly isTls: boolean;
  /** Authorities in PEM. */
  readonly authorities?: string;
  /** Told when the server is lost, and when it is back. */
  readonly onChange: (message: string) => void;
}
