import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** Top of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Files that git knows or would take, without deleted ones; paths from the top. */
export function sourceFiles(): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  return listed.split("\n").filter((path) => path !== "" && existsSync(join(root, path)));
}

export const read = (path: string): string => readFileSync(join(root, path), "utf8");

export interface Import {
  /** As written: `./x.ts`, `#core/ctx.ts`, `pg`. */
  readonly specifier: string;
  /** Path from the top for our own modules, undefined for packages. */
  readonly target: string | undefined;
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:([\w*{][^;'"]*?)\s+from\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;

/** Imports of a module, static and dynamic. */
export function importsOf(path: string, text: string): readonly Import[] {
  return [...text.matchAll(IMPORT)].map(([, type, names = "", fixed, dynamic]) => {
    const specifier = fixed ?? dynamic ?? "";
    const typeOnly = type !== undefined || isAllTypes(names);
    return { specifier, target: targetOf(path, specifier), typeOnly };
  });
}

function isAllTypes(names: string): boolean {
  const inside = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  const each = inside?.split(",").map((name) => name.trim()) ?? [];
  return each.some(Boolean) && each.filter(Boolean).every((name) => name.startsWith("type "));
}

function targetOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(path), specifier);
  if (specifier === "#sdk") return "src/sdk/index.ts";
  return specifier.startsWith("#") ? `src/${specifier.slice(1)}` : undefined;
}
