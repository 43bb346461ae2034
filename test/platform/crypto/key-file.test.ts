import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { ensureKeyFile, loadKeyFile } from "#platform/crypto/key-file.ts";

test("the first line seals; comments, blank lines and CRLF are allowed", (t) => {
  const file = keyFile(t);
  const keys = [generateFernetKey(), generateFernetKey()];
  writeFileSync(file, `# rotated in spring\r\n\n${keys[0]}\r\n  \n${keys[1]}`);

  assert.equal(loadKeyFile(file).length, 2);
});

test("a missing, empty or damaged file is told by name", (t) => {
  const file = keyFile(t);
  const start = `Could not load DB_ENCRYPTION_KEY file '${file}': `;

  assert.throws(() => loadKeyFile(file), message(`${start}ENOENT`));
  writeFileSync(file, "# nothing\n");
  assert.throws(() => loadKeyFile(file), message(`${start}it holds no key.`));
  writeFileSync(file, `${generateFernetKey()}\nsecret\n`);
  assert.throws(() => loadKeyFile(file), message(`${start}line 2 is not 32 bytes`));
});

test("a new file is private and complete, and is written once", async (t) => {
  const file = join(keyFile(t), "certs", "key");
  const umask = process.umask(0);
  t.after(() => process.umask(umask));

  const written = await Promise.all([ensureKeyFile(file), ensureKeyFile(file)]);

  assert.equal(loadKeyFile(file).length, 1);
  assert.ok(written.includes(true));
  assert.equal(await ensureKeyFile(file), false);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(file, "..")).mode & 0o777, 0o700);
});

const message = (start: string) => (error: Error) => error.message.startsWith(start);

function keyFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "deckle-keys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "key");
}
