import { randomUUID } from "node:crypto";
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { appErrors } from "./errors.ts";

/** The one process that uses a data folder. */
export interface HomeLock extends AsyncDisposable {
  readonly file: string;
}

interface Holder {
  readonly pid: number;
  /** Boot and start time: a number that is used again belongs to somebody else. */
  readonly born: string;
}

/**
 * Locks a folder for this process; the lock of a process that has gone is taken over.
 *
 * @throws `appErrors.homeInUse` while another process lives that has it
 */
export async function lockHome(home: string): Promise<HomeLock> {
  const file = join(home, "deckle.lock");
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify({ pid: process.pid, born: await bornOf(process.pid) }), {
    mode: 0o600,
    flag: "wx",
  });
  try {
    while (!(await linked(draft, file))) await removeStale(home, file);
  } finally {
    await unlink(draft);
  }
  return { file, [Symbol.asyncDispose]: () => unlink(file) };
}

async function linked(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function removeStale(home: string, file: string): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const holder = parsed(text);
  if (holder && (await isAlive(holder))) throw appErrors.homeInUse(home, holder.pid);
  // Moved first: whoever else found it stale must not remove the lock that replaces it.
  const aside = `${file}.${randomUUID()}`;
  await rename(file, aside).catch(() => undefined);
  const moved = await readFile(aside, "utf8").catch(() => undefined);
  if (moved !== undefined && moved !== text) await linked(aside, file);
  await unlink(aside).catch(() => undefined);
}

function parsed(text: string): Holder | undefined {
  try {
    const { pid, born } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === "number" && typeof born === "string" ? { pid, born } : undefined;
  } catch {
    // Torn by a power cut: nobody holds it.
    return undefined;
  }
}

async function isAlive({ pid, born }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return (await bornOf(pid)) === born;
}

/** Empty where the system does not tell, so that the number alone decides. */
async function bornOf(pid: number): Promise<string> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const startTicks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return stat === "" ? "" : `${boot.trim()} ${startTicks}`;
}
