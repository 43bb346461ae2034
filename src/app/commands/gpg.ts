import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { appErrors } from "../errors.ts";

const run = promisify(execFile);

/** Runs gpg; `home` is where its keys are, without it those of the user. */
async function gpg(home: string | undefined, ...parameters: readonly string[]): Promise<string> {
  const place = home === undefined ? [] : ["--homedir", home];
  const { stdout } = await run("gpg", [...place, "--batch", "--quiet", ...parameters], {
    maxBuffer: 16 * 1024 * 1024,
  }).catch((error: Error & { stderr?: string }) => {
    throw appErrors.usage(`gpg: ${(error.stderr || error.message).trim()}`);
  });
  return stdout;
}

export interface PublicKey {
  /** ASCII-armoured. */
  readonly text: string;
  /** Upper-case hex. */
  readonly fingerprint: string;
}

/** @param key id, fingerprint or name of one key of the ring. */
export async function publicKey(key: string, home: string | undefined): Promise<PublicKey> {
  const listed = await gpg(home, "--with-colons", "--list-keys", key);
  const keys = listed.split("\n").filter((line) => line.startsWith("pub:"));
  if (keys.length !== 1) throw appErrors.usage(`'${key}' names ${keys.length} keys, not one.`);
  const [, fingerprint] = /^fpr:+([0-9A-F]+):/m.exec(listed) ?? [];
  if (fingerprint === undefined) throw appErrors.usage(`gpg tells no fingerprint of '${key}'.`);
  return { text: await gpg(home, "--armor", "--export", fingerprint), fingerprint };
}

/** Whether a signature was made with the key, asked of a gpg that knows no other one. */
export async function isSignedWith(key: PublicKey, signature: string): Promise<boolean> {
  const home = await mkdtemp(join(tmpdir(), "deckle-gpg-"));
  try {
    const file = join(home, "key.asc");
    await writeFile(file, key.text);
    await gpg(home, "--import", file);
    const told = await gpg(home, "--status-fd", "1", "--verify", signature).catch(() => "");
    return told.split("\n").some((line) => {
      const words = line.split(" ");
      return words[1] === "VALIDSIG" && words.includes(key.fingerprint);
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
