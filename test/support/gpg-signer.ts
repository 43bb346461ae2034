import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Signs as administrators' scripts do: gpg over the payload that clients check. */
const SCRIPT = `#!/bin/sh
set -e
DIGEST=sha256:$(sha256sum "$1" | cut -d " " -f 1)
printf '{"critical":{"type":"atomic container signature","image":{"docker-manifest-digest":"%s"},"identity":{"docker-reference":"%s"}},"optional":{"creator":"a test"}}' "$DIGEST" "$REFERENCE" > "$1.json"
gpg --homedir "$(dirname "$0")" --quiet --batch --yes --local-user "$PULP_SIGNING_KEY_FINGERPRINT" --output "$SIG_PATH" --sign "$1.json"
printf '{"signature_path": "%s"}' "$SIG_PATH"
`;

/** A key in a home of its own, and a program that signs with it. */
export async function createGpgSigner(t: TestContext) {
  const home = await mkdtemp(join(tmpdir(), "deckle-gpg-"));
  const gpg = (...parameters: string[]) =>
    execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", ...parameters], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  t.after(async () => {
    execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]);
    await rm(home, { recursive: true, force: true });
  });
  gpg("--passphrase", "", "--quick-generate-key", "signer@example.org", "ed25519", "sign", "never");
  const [, fingerprint = ""] =
    /^fpr:+([0-9A-F]+):/m.exec(gpg("--with-colons", "--list-keys")) ?? [];
  const script = join(home, "sign.sh");
  await writeFile(script, SCRIPT);
  await chmod(script, 0o700);
  return { script, fingerprint, publicKey: gpg("--armor", "--export", fingerprint), gpg, home };
}
