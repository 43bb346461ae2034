import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Client, ConnectConfig, SFTPWrapper } from "ssh2";
import { storageErrors } from "../errors.ts";
import { isKnownHost } from "./known-hosts.ts";
import type { SftpOptions } from "./options.ts";

const CONNECT_MS = 10_000;
/** A silent server is asked whether it is there, and given up after the third time. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVES = 3;

/** Calls of the protocol end in a callback. */
type Done<Result> = (error: Error | null | undefined, result: Result) => void;

/** One connection to the machine. With it end the handles of its files: no other knows them. */
export class Connection {
  readonly #sftp: SFTPWrapper;
  /** What is under way, to be told when the connection breaks. */
  readonly #waiting = new Set<(error: Error) => void>();
  #broken: Error | undefined;

  constructor(sftp: SFTPWrapper) {
    this.#sftp = sftp;
  }

  /**
   * Does one thing there. It fails with the connection: the server answers nothing any more.
   *
   * @param call begins it; its callback ends it.
   */
  async do<Result>(call: (sftp: SFTPWrapper, done: Done<Result>) => void): Promise<Result> {
    if (this.#broken) throw this.#broken;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.add(reject);
    try {
      call(this.#sftp, (error, result) => (error ? reject(error) : resolve(result)));
      return await promise;
    } finally {
      this.#waiting.delete(reject);
    }
  }

  end(error: Error): void {
    this.#broken ??= error;
    for (const leave of this.#waiting) leave(error);
    this.#waiting.clear();
  }
}

/** The connection to the machine, made when it is needed and again when it broke. */
export class SftpSession {
  readonly #options: SftpOptions;
  #opening: Promise<Connection> | undefined;

  constructor(options: SftpOptions) {
    this.#options = options;
  }

  async do<Result>(call: (sftp: SFTPWrapper, done: Done<Result>) => void): Promise<Result> {
    return (await this.connection()).do(call);
  }

  connection(): Promise<Connection> {
    this.#opening ??= this.#connect().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** The library is loaded for the first store that needs it. */
  async #connect(): Promise<Connection> {
    const { Client } = await import("ssh2");
    const config = await configOf(this.#options);
    const client = new Client();
    const { host, port } = this.#options;
    const sock = connect({ host, port });
    await ready(client, { ...config, sock });
    let connection: Connection | undefined;
    const forget = (error: Error = storageErrors.unavailable("the connection ended")) => {
      if (connection) this.#opening = undefined;
      connection?.end(error);
      connection = undefined;
      client.end();
    };
    client.on("error", forget);
    client.once("close", () => forget());
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
      client.sftp((error, opened) => (error ? reject(error) : resolve(opened)));
    });
    connection = new Connection(sftp);
    sftp.once("close", () => forget());
    // It keeps no process from ending that has nothing else to do.
    sock.unref();
    return connection;
  }
}

async function configOf(options: SftpOptions): Promise<ConnectConfig> {
  const { host, port, username, password, keyFile, passphrase } = options;
  const hosts = await knownHosts(options);
  return {
    ...{ host, port, username, readyTimeout: CONNECT_MS },
    ...{ keepaliveInterval: KEEPALIVE_MS, keepaliveCountMax: KEEPALIVES },
    hostVerifier: (key: Buffer) => isKnownHost(hosts, { host, port, key }),
    ...(password === undefined ? {} : { password }),
    ...(keyFile === undefined ? {} : { privateKey: await readFile(keyFile) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

async function knownHosts({ knownHostsFile }: SftpOptions): Promise<string> {
  const file = knownHostsFile ?? join(homedir(), ".ssh", "known_hosts");
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const why = "the file of known hosts cannot be read";
    throw Object.assign(storageErrors.unavailable(why), { cause: error });
  }
}

function ready(client: Client, config: ConnectConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once("ready", () => {
      client.off("error", reject);
      resolve();
    });
    client.once("error", reject);
    client.connect(config);
  });
}
