import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");

/**
 * Writes a generated file, or with `--check` only compares and sets the exit code to 1.
 *
 * @param path from the top of the repository
 */
export async function keepFile(path: string, text: string): Promise<void> {
  const file = join(root, path);
  if (process.argv.includes("--check")) {
    const committed = await readFile(file, "utf8").catch(() => undefined);
    if (committed === text) return;
    console.error(`${path} is not what the source makes of it; run npm run docs.`);
    process.exitCode = 1;
    return;
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  console.log(`written: ${path}`);
}
