import { createPublicKey, type KeyObject } from "node:crypto";
import { exportJWK, type JWK } from "jose";
import type { Algorithm } from "./algorithms.ts";
import { keyId } from "./key-id.ts";

/** A key that tokens may be signed with. */
export interface VerifyingKey {
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly publicKey: KeyObject;
}

export interface SigningKey extends VerifyingKey {
  readonly privateKey: KeyObject;
}

/** The keys of the token server: one signs, all of them verify. */
export interface KeyBook {
  /** The key that signs now. */
  signing(): Promise<SigningKey>;
  /** By its name in a token; nothing else that comes with a token is a key. */
  find(id: string): Promise<VerifyingKey | undefined>;
  all(): Promise<readonly VerifyingKey[]>;
}

export const verifyingKey = (publicKey: KeyObject, algorithm: Algorithm): VerifyingKey => ({
  id: keyId(publicKey),
  algorithm,
  publicKey,
});

export const signingKey = (privateKey: KeyObject, algorithm: Algorithm): SigningKey => ({
  ...verifyingKey(createPublicKey(privateKey), algorithm),
  privateKey,
});

/** For others that check tokens of ours (RFC 7517). */
export async function jwks(book: KeyBook): Promise<{ readonly keys: readonly JWK[] }> {
  const keys = await book.all();
  return {
    keys: await Promise.all(
      keys.map(async ({ id, algorithm, publicKey }) => ({
        ...(await exportJWK(publicKey)),
        ...{ kid: id, alg: algorithm, use: "sig" },
      })),
    ),
  };
}
