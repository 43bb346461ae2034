import { existsSync } from "node:fs";
import { join } from "node:path";
import { clientsFolder } from "./python.ts";

/** Where a server that stands in for a store is; a missing one is a failure, never a skip. */
export function storeProgram(name: string): string {
  const path = join(clientsFolder, "stores", name);
  if (existsSync(path)) return path;
  throw new Error(`${name} is not installed; run tools/install-clients.sh`);
}
