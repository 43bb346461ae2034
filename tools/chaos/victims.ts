import { commandLine } from "../../test/support/process-tree.ts";
import type { Server } from "../../test/support/server.ts";
import type { Random } from "./random.ts";

export interface Victim {
  readonly pids: readonly number[];
  /** What it is: `start`, `task child`, `database`, `database backend`, `everything`. */
  readonly kind: string;
}

interface Named {
  readonly pid: number;
  readonly kind: string;
}

/**
 * Any process below the command, as often of each kind; now and then all of them at once.
 *
 * @param of the kinds to choose from; without it all that there are.
 */
export async function chooseVictim(
  server: Server,
  random: Random,
  of?: readonly string[],
): Promise<Victim> {
  const pids = await server.pids();
  const named = (
    await Promise.all(pids.map(async (pid) => ({ pid, kind: kindOf(await commandLine(pid)) })))
  ).filter((each): each is Named => each.kind !== undefined);
  const kinds = [...new Set(named.map((each) => each.kind)), "everything"].sort();
  const kind = random.pick(of ? kinds.filter((each) => of.includes(each)) : kinds);
  if (kind === "everything") return { kind, pids: named.map(({ pid }) => pid) };
  const { pid } = random.pick(named.filter((each) => each.kind === kind));
  return { kind, pids: [pid] };
}

export function kill({ pids }: Victim): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // It has ended by itself meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function kindOf(line: string): string | undefined {
  if (line.startsWith("postgres: postgres ")) return "database backend";
  if (line.startsWith("postgres: ")) return "database helper";
  if (/bin\/postgres /.test(line)) return "database";
  if (line.includes("src/bin/task-child.ts")) return "task child";
  return line.includes("src/bin/start.ts") ? "start" : undefined;
}
