import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, mkdir, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { secretErrors } from "./errors.ts";
import { type FernetKey, generateFernetKey, parseFernetKey } from "./fernet.ts";

/**
 * Reads the keys of a file: one per line, blank lines and `#` lines left out.
 *
 * @throws `secretErrors.keyFile` if the file is missing, empty, or a line is no key
 */
export function loadKeyFile(file: string): readonly [FernetKey, ...FernetKey[]] {
  const [first, ...rest] = keyLines(file).map(({ text, line }) => {
    const key = parseFernetKey(text);
    if (!key) {
      throw secretErrors.keyFile(file, `line ${line} is not 32 bytes of URL-safe Base64.`);
    }
    return key;
  });
  if (!first) throw secretErrors.keyFile(file, "it holds no key.");
  return [first, ...rest];
}

/** Writes a new key file (0600, its folder 0700), unless there is one. True if it was written. */
export const ensureKeyFile = (file: string): Promise<boolean> =>
  ensurePrivateFile(file, () => `${generateFernetKey()}\n`);

/** Creates a file that only its owner reads, complete or not at all; keeps an existing one. */
export async function ensurePrivateFile(file: string, content: () => string): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeDurably(draft, content());
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  await using handle = await open(file, "wx", 0o600);
  await handle.writeFile(text);
  await handle.sync();
}

function keyLines(file: string): readonly { readonly text: string; readonly line: number }[] {
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    throw secretErrors.keyFile(file, (error as Error).message);
  }
  return content
    .split(/\r?\n/)
    .map((text, index) => ({ text: text.trim(), line: index + 1 }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"));
}
