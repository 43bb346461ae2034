import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Algorithm, CURVES } from "./algorithms.ts";
import { registryAuthErrors } from "./errors.ts";
import { type KeyBook, type SigningKey, signingKey, verifyingKey } from "./keys.ts";
import type { RegistryAuthSettings } from "./settings.ts";

type KeySettings = Pick<
  RegistryAuthSettings,
  "PRIVATE_KEY_PATH" | "PUBLIC_KEY_PATH" | "TOKEN_SIGNATURE_ALGORITHM"
>;

/**
 * The keys that the settings name, read once; undefined if they name none.
 *
 * @throws `registryAuthErrors.keys` if they cannot be used
 */
export function keyFiles(settings: KeySettings): KeyBook | undefined {
  const { PRIVATE_KEY_PATH, PUBLIC_KEY_PATH, TOKEN_SIGNATURE_ALGORITHM: algorithm } = settings;
  if (PRIVATE_KEY_PATH === "" && PUBLIC_KEY_PATH === "") return undefined;
  for (const name of ["PRIVATE_KEY_PATH", "PUBLIC_KEY_PATH"] as const) {
    if (settings[name] === "") throw registryAuthErrors.keys(`${name} is not set.`);
  }
  const own = readPrivateKey(PRIVATE_KEY_PATH, algorithm);
  const known = readPublicKeys(PUBLIC_KEY_PATH).map((key) =>
    own.publicKey.equals(key) ? own : verifyingKey(key, algorithmOf(key, algorithm)),
  );
  if (!known.includes(own)) {
    throw registryAuthErrors.keys(
      `${PUBLIC_KEY_PATH} is not the public key to ${PRIVATE_KEY_PATH}.`,
    );
  }
  const byId = new Map(known.map((key) => [key.id, key]));
  return {
    signing: async () => own,
    find: async (id) => byId.get(id),
    all: async () => known,
  };
}

function readPrivateKey(path: string, algorithm: Algorithm): SigningKey {
  const key = read(path, (text) => createPrivateKey(text));
  if (!fits(key, algorithm)) {
    throw registryAuthErrors.keys(
      `TOKEN_SIGNATURE_ALGORITHM is ${algorithm}, which the key in ${path} is not for.`,
    );
  }
  return signingKey(key, algorithm);
}

const PUBLIC_PEM = /-----BEGIN (?:RSA )?PUBLIC KEY-----[^-]+-----END (?:RSA )?PUBLIC KEY-----/g;

const readPublicKeys = (path: string): readonly KeyObject[] =>
  read(path, (text) => (text.match(PUBLIC_PEM) ?? [text]).map((pem) => createPublicKey(pem)));

function read<Key>(path: string, parse: (text: string) => Key): Key {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw registryAuthErrors.keys(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

/** A key before the present one may have been of another kind. */
function algorithmOf(key: KeyObject, preferred: Algorithm): Algorithm {
  if (fits(key, preferred)) return preferred;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const ofCurve = Object.entries(CURVES).find(([, name]) => name === curve)?.[0];
  if (ofCurve !== undefined) return ofCurve as Algorithm;
  return key.asymmetricKeyType === "ed25519" ? "EdDSA" : "RS256";
}

function fits(key: KeyObject, algorithm: Algorithm): boolean {
  if (algorithm === "EdDSA") return key.asymmetricKeyType === "ed25519";
  const curve = CURVES[algorithm];
  return curve === undefined
    ? key.asymmetricKeyType === "rsa"
    : key.asymmetricKeyDetails?.namedCurve === curve;
}
