import { createPrivateKey, generateKeyPair, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import type { Ctx } from "../ctx.ts";
import { signingErrors } from "./errors.ts";
import {
  armoured,
  certified,
  issuerOf,
  literalPacket,
  onePassPacket,
  publicKeyPacket,
  type RsaKey,
  SIGNATURE_TYPE,
  signaturePacket,
  signedBytes,
  userIdPacket,
} from "./openpgp-packets.ts";
import type { SigningService } from "./queries.ts";

const makePair = promisify(generateKeyPair);
const signAway = promisify(sign);

/** Every verifier knows RSA, those of FIPS mode among them. */
const MODULUS_BITS = 4096;

export interface OwnKey {
  /** ASCII-armoured, with its name, certified by itself. */
  readonly public_key: string;
  /** Upper-case hex. */
  readonly fingerprint: string;
  /** PKCS #8 (PEM), sealed. */
  readonly private_key: string;
}

/**
 * A new key for a service that signs without a program.
 *
 * @param userId `Release <release@example.org>`, as clients show it.
 */
export async function makeOwnKey(
  { secrets, clock }: Pick<Ctx, "secrets" | "clock">,
  userId: string,
): Promise<OwnKey> {
  const pair = await makePair("rsa", { modulusLength: MODULUS_BITS });
  const createdS = Math.floor(clock.now() / 1000);
  const key = { ...numbersOf(pair.publicKey), createdS };
  const issuer = issuerOf(key);
  const facts = { type: SIGNATURE_TYPE.certification, issuer, createdS };
  const signed = signedBytes(certified(key, userId), facts);
  const signature = await signAway("sha512", signed, pair.privateKey);
  const packets = [
    publicKeyPacket(key),
    userIdPacket(userId),
    signaturePacket(facts, { signed, signature }),
  ];
  return {
    public_key: armoured("PUBLIC KEY BLOCK", Buffer.concat(packets)),
    fingerprint: issuer.fingerprint.toString("hex").toUpperCase(),
    private_key: secrets.seal(pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
  };
}

/**
 * Signs bytes with the key of a service.
 *
 * @returns an OpenPGP message that holds the bytes and the signature, as `gpg --sign` makes it.
 * @throws `signingErrors.failed` if the service has no key here.
 * @see RFC 9580 §10.3
 */
export async function signMessage(
  { secrets, clock }: Pick<Ctx, "secrets" | "clock">,
  service: Pick<SigningService, "name" | "fingerprint" | "private_key">,
  data: Buffer,
): Promise<Buffer> {
  if (service.private_key === null)
    throw signingErrors.failed(service.name, "its key is not kept here.");
  const issuer = { fingerprint: Buffer.from(service.fingerprint, "hex") };
  const createdS = Math.floor(clock.now() / 1000);
  const facts = { type: SIGNATURE_TYPE.binary, issuer, createdS };
  const signed = signedBytes(data, facts);
  const key = createPrivateKey(secrets.open(service.private_key));
  const signature = await signAway("sha512", signed, key);
  return Buffer.concat([
    onePassPacket(issuer),
    literalPacket(data),
    signaturePacket(facts, { signed, signature }),
  ]);
}

function numbersOf(key: KeyObject): Pick<RsaKey, "modulus" | "exponent"> {
  const { n = "", e = "" } = key.export({ format: "jwk" });
  return { modulus: Buffer.from(n, "base64url"), exponent: Buffer.from(e, "base64url") };
}
