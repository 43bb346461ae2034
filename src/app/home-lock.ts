import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
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

/** Of those that take a lock at the same moment, all step back, for longer each time. */
const STEP_BACK_MS = { first: 20, longest: 2000 };

/**
 * Locks a folder for this process; the lock of a process that has gone is taken over.
 *
 * Who wants it shows a claim, then looks for others' claims, then at the lock. Of two that want it
 * at once, the later to show sees the other's claim, or the lock that it has become, so that a
 * stale lock is replaced by one of them only.
 *
 * @throws `appErrors.homeInUse` while another process lives that has it
 */
export async function lockHome(home: string): Promise<HomeLock> {
  const file = join(home, "deckle.lock");
  const holder = { pid: process.pid, born: await bornOf(process.pid) };
  for (let within = STEP_BACK_MS.first; ; within = Math.min(within * 2, STEP_BACK_MS.longest)) {
    const claim = await showClaim(home, holder);
    try {
      if (!(await hasRival(home, claim))) {
        await refuseLiving(home, file);
        await rename(claim, file);
        return { file, [Symbol.asyncDispose]: () => unlink(file) };
      }
    } finally {
      await rm(claim, { force: true });
    }
    await setTimeout(Math.random() * within);
  }
}

const CLAIM = "deckle.lock.claim-";

/** Whole from the moment that it can be seen. */
async function showClaim(home: string, holder: Holder): Promise<string> {
  const id = randomUUID();
  const draft = join(home, `deckle.lock.draft-${id}`);
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600, flag: "wx" });
  const claim = join(home, `${CLAIM}${id}`);
  await rename(draft, claim);
  return claim;
}

/** Claims of processes that have gone are removed on the way. */
async function hasRival(home: string, own: string): Promise<boolean> {
  for (const name of await readdir(home)) {
    const claim = join(home, name);
    if (!name.startsWith(CLAIM) || claim === own) continue;
    const holder = await holderIn(claim);
    if (holder && (await isAlive(holder))) return true;
    await rm(claim, { force: true });
  }
  return false;
}

async function refuseLiving(home: string, file: string): Promise<void> {
  const holder = await holderIn(file);
  if (holder && (await isAlive(holder))) throw appErrors.homeInUse(home, holder.pid);
}

/** Undefined for a file that is not there, and for one torn by a power cut: nobody holds it. */
async function holderIn(file: string): Promise<Holder | undefined> {
  try {
    return parsed(await readFile(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function parsed(text: string): Holder | undefined {
  try {
    const { pid, born } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === "number" && typeof born === "string" ? { pid, born } : undefined;
  } catch {
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
