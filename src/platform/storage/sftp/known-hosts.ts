import { createHmac } from "node:crypto";

/**
 * Whether a file of trusted hosts has this key for the host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT);
 * a line that revokes the key decides.
 *
 * @param lines text of the file.
 * @param key as the host sent it.
 */
export function isKnownHost(
  lines: string,
  { host, port, key }: { readonly host: string; readonly port: number; readonly key: Buffer },
): boolean {
  const name = port === 22 ? host : `[${host}]:${port}`;
  const found = lines.split("\n").flatMap(entryOf);
  const fitting = found.filter(({ names, key: each }) => each.equals(key) && matches(names, name));
  if (fitting.some(({ marker }) => marker === "@revoked")) return false;
  // Certificates of authorities are another thing than keys.
  return fitting.some(({ marker }) => marker === undefined);
}

interface Entry {
  readonly marker: string | undefined;
  readonly names: string;
  readonly key: Buffer;
}

function entryOf(line: string): readonly Entry[] {
  const [first = "", ...others] = line.trim().split(/\s+/);
  if (first === "" || first.startsWith("#")) return [];
  const marker = first.startsWith("@") ? first : undefined;
  const [names = "", , encoded = ""] = marker ? others : [first, ...others];
  return [{ marker, names, key: Buffer.from(encoded, "base64") }];
}

/** Names are plain, with commas between them, or one that is hashed. */
function matches(names: string, wanted: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]+)\|([^|]+)$/.exec(names) ?? [];
  if (salt === undefined) return names.split(",").includes(wanted);
  return createHmac("sha1", Buffer.from(salt, "base64")).update(wanted).digest("base64") === hash;
}
