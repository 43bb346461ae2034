import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const BLOCK_BYTES = 256 * 1024 * 1024;

/**
 * Holds memory while others are measured. The host of a virtual machine takes free memory back, and each
 * page of the kernel's cache costs a fault there when it is used again: a write of 10 MiB then takes twice
 * its time, whoever writes. With little that is free, pages go from one file to the next.
 */
export async function holdMemory(gibibytes: number): Promise<AsyncDisposable> {
  const child = fork(fileURLToPath(import.meta.url), [String(gibibytes)], {
    execArgv: ["--max-old-space-size=256"],
  });
  const exited = once(child, "exit");
  await Promise.race([
    once(child, "message"),
    exited.then(() => Promise.reject(new Error(`${gibibytes} GiB cannot be held.`))),
  ]);
  return {
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}

/** The child: touches every page, and waits for its end. */
function hold(gibibytes: number): void {
  const blocks = Array.from({ length: (gibibytes * 2 ** 30) / BLOCK_BYTES }, () =>
    Buffer.allocUnsafeSlow(BLOCK_BYTES).fill(1),
  );
  process.send?.(blocks.length);
  process.on("disconnect", () => process.exit());
  setInterval(() => blocks.length, 60_000);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) hold(Number(process.argv[2]));
