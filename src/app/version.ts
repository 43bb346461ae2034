import { readFileSync } from "node:fs";

/** Release of the peer whose interface this program speaks; clients gate features on it. */
export const CORE_VERSION = "3.95.0";

/** Our own release, as `package.json` says it. */
export function ownRelease(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
