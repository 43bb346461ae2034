import type { JsonObject } from "#base/json.ts";

/** Options of a store in a folder of another machine, each in our form. */
export interface SftpOptions {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string | undefined;
  /** File with the private key, and what opens it. */
  readonly keyFile: string | undefined;
  readonly passphrase: string | undefined;
  /** Folder of the store, without a slash at its end; "" is where the account begins. */
  readonly root: string;
  /** File with the keys of hosts that are trusted; undefined is that of this account. */
  readonly knownHostsFile: string | undefined;
  /** Modes and owners of new files and folders; undefined leaves them to the machine. */
  readonly fileMode: number | undefined;
  readonly directoryMode: number | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

const SSH_PORT = 22;

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
const number = (value: unknown): number | undefined =>
  typeof value === "number" ? value : undefined;

/** Reads options that the check of the setting has found to be right. */
export function sftpOptions(options: JsonObject): SftpOptions {
  const params = (options.params ?? {}) as JsonObject;
  const [uid, gid] = [number(options.uid), number(options.gid)];
  return {
    host: String(options.host),
    port: number(params.port) ?? SSH_PORT,
    username: text(params.username) ?? "",
    password: text(params.password),
    keyFile: text(params.key_filename),
    passphrase: text(params.passphrase),
    root: (text(options.root_path) ?? "").replace(/\/+$/, ""),
    knownHostsFile: text(options.known_host_file),
    fileMode: number(options.file_mode),
    directoryMode: number(options.dir_mode),
    owner: uid === undefined || gid === undefined ? undefined : { uid, gid },
  };
}
