import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { databaseErrors } from "./errors.ts";

/** As whom the database server runs: PostgreSQL refuses to run as root. */
export interface Identity {
  /** Owner of its files; undefined leaves them to the current user. */
  readonly uid?: number;
  readonly gid?: number;
  spawn(file: string, parameters: readonly string[], options: SpawnOptions): ChildProcess;
}

const NAMESPACE = ["--user", "--map-user=1000", "--map-group=1000", "--"];

const current: Identity = {
  spawn: (file, parameters, options) => spawn(file, parameters, options),
};

/** A user namespace in which we are somebody else, while the files stay ours. */
const namespaced: Identity = {
  spawn: (file, parameters, options) =>
    spawn("unshare", [...NAMESPACE, file, ...parameters], options),
};

const other = (uid: number, gid: number): Identity => ({
  uid,
  gid,
  spawn: (file, parameters, options) => spawn(file, parameters, { ...options, uid, gid, cwd: "/" }),
});

/**
 * Chooses the identity: ourselves unless we are root; then an unprivileged user who can reach the
 * folder and the programs; else a user namespace. An existing folder keeps the way it was made.
 *
 * @throws `databaseErrors.identity` when nothing works.
 */
export async function serverIdentity(folder: string, program: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return current;
  const owner = await stat(`${folder}/data`).then(
    ({ uid, gid }) => ({ uid, gid }),
    () => undefined,
  );
  const user = owner?.uid === 0 ? undefined : (owner ?? (await unprivilegedUser()));
  const isReachable = (await isOpen(dirname(folder))) && (await isOpen(dirname(program)));
  if (user && isReachable) return other(user.uid, user.gid);
  if (canNamespace() && (owner === undefined || owner.uid === 0)) return namespaced;
  throw databaseErrors.identity(dirname(folder));
}

/** The system's `postgres` user, else `nobody`. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  const lines = (await readFile("/etc/passwd", "utf8").catch(() => "")).split("\n");
  const line = ["postgres", "nobody"]
    .map((name) => lines.find((entry) => entry.startsWith(`${name}:`)))
    .find((entry) => entry !== undefined);
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** Whether anybody may pass through the folder and all above it. */
async function isOpen(folder: string): Promise<boolean> {
  const mode = await stat(folder).then(
    (found) => found.mode,
    () => 0o001,
  );
  if ((mode & 0o001) === 0) return false;
  return folder === dirname(folder) || isOpen(dirname(folder));
}

const canNamespace = (): boolean => spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;
