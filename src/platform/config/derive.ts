import { join } from "node:path";
import { isTree, type Tree } from "./merge.ts";

export interface Derivation {
  /** The settings so far; changed in place. */
  readonly tree: Tree;
  /** Whether a file, a variable or the start gave the setting a value. */
  isGiven(name: string): boolean;
}

/** Fills in the settings that follow from others, unless they were given themselves. */
export function derive({ tree, isGiven }: Derivation): void {
  const fill = (name: string, value: unknown) => {
    if (!isGiven(name) && value !== undefined) tree[name] = value;
  };
  if (isGiven("DEPLOY_ROOT") && typeof tree.DEPLOY_ROOT === "string") {
    fill("STATIC_ROOT", join(tree.DEPLOY_ROOT, "assets"));
    fill("MEDIA_ROOT", join(tree.DEPLOY_ROOT, "media"));
    fill("WORKING_DIRECTORY", join(tree.DEPLOY_ROOT, "tmp"));
  }
  fill("FILE_UPLOAD_TEMP_DIR", tree.WORKING_DIRECTORY);
  fill("MEDIA_ROOT", at(tree, "STORAGES", "default", "OPTIONS", "location"));
  fill(
    "FILE_UPLOAD_PERMISSIONS",
    at(tree, "STORAGES", "default", "OPTIONS", "file_permissions_mode"),
  );
  fill(
    "FILE_UPLOAD_DIRECTORY_PERMISSIONS",
    at(tree, "STORAGES", "default", "OPTIONS", "directory_permissions_mode"),
  );
  fill("LOG_LEVEL", rootLevel(tree));
  if (isGiven("TELEMETRY")) fill("ANALYTICS", tree.TELEMETRY);
}

/** `LOGGING.loggers[""].level`, in our four words. */
function rootLevel(tree: Tree): string | undefined {
  const level = at(tree, "LOGGING", "loggers", "", "level");
  return typeof level === "string" ? LEVELS[level.toUpperCase()] : undefined;
}

const LEVELS: Readonly<Record<string, string>> = {
  DEBUG: "debug",
  INFO: "info",
  WARNING: "warn",
  WARN: "warn",
  ERROR: "error",
  CRITICAL: "error",
};

function at(tree: Tree, ...path: readonly string[]): unknown {
  let value: unknown = tree;
  for (const name of path) value = isTree(value) ? value[name] : undefined;
  return value;
}
