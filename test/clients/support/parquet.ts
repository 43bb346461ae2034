import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clientsFolder } from "./python.ts";

/** What pyarrow reads. */
export interface ParquetContent {
  /** By column: type, and whether it may be null. */
  readonly schema: Readonly<Record<string, readonly [type: string, nullable: boolean]>>;
  readonly codecs: readonly string[];
  /** Rows of each group. */
  readonly groups: readonly number[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

const script = fileURLToPath(new URL("../read_parquet.py", import.meta.url));

/** @param most rows that are returned, the first ones */
export function readParquet(file: string, most = 1000): Promise<ParquetContent> {
  const python = join(clientsFolder, "parquet", "bin", "python");
  if (!existsSync(python))
    throw new Error("pyarrow is not installed; run tools/install-clients.sh");
  return new Promise((resolve, reject) => {
    execFile(
      python,
      [script, file, String(most)],
      { maxBuffer: 256 << 20 },
      (error, stdout, stderr) =>
        error ? reject(new Error(`${error.message}${stderr}`)) : resolve(JSON.parse(stdout)),
    );
  });
}
