import { randomBytes } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureKeyFile, ensurePrivateFile } from "#platform/crypto/key-file.ts";
import { appErrors } from "./errors.ts";
import { type HomeLock, lockHome } from "./home-lock.ts";

/** A data folder that this process has locked, with its keys. */
export interface Home extends AsyncDisposable {
  readonly folder: string;
  readonly postgres: string;
}

/** Where a data folder keeps its keys. */
export const homeFiles = (folder: string) => ({
  keyFile: join(folder, "certs", "database_fields.symmetric.key"),
  secretFile: join(folder, "secret_key"),
});

/**
 * Makes and locks a data folder. Keys are private (0600). Folders on the way to the database may be
 * passed by its user, who is another one when we are root.
 *
 * @throws `appErrors.home`, `appErrors.homeInUse`
 */
export async function openHome(folder: string): Promise<Home> {
  let lock: HomeLock | undefined;
  try {
    await mkdir(folder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    lock = await lockHome(folder);
    const { keyFile, secretFile } = homeFiles(folder);
    await ensureKeyFile(keyFile);
    await ensurePrivateFile(secretFile, () => `${randomBytes(48).toString("base64url")}\n`);
    for (const name of ["media", "tmp"]) await privateFolder(join(folder, name));
    const held = lock;
    return {
      folder,
      postgres: join(folder, "postgres"),
      [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lock?.[Symbol.asyncDispose]();
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    if (appErrors.homeInUse.is(error)) throw error;
    throw appErrors.home(folder, (error as Error).message);
  }
}

async function privateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
}
