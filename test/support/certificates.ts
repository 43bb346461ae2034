import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate and its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly algorithm: Algorithm;
}

type Algorithm = "ec" | "ml-dsa-44";

export interface CertificateOptions {
  /** Signs it; itself without one. */
  readonly issuer?: Identity;
  /** DNS names and IPv4 addresses that it is for. */
  readonly names?: readonly string[];
  readonly expired?: boolean;
  /** Its validity in years from now; the last one and the next five without it. */
  readonly years?: readonly [from: number, to: number];
  /** May sign others; only where nobody signs it without this. */
  readonly authority?: boolean;
  /** How many authorities may stand below it. */
  readonly pathLength?: number;
  /** Of its key; P-256 without it. */
  readonly algorithm?: Algorithm;
  /** On top of what every certificate has. */
  readonly extensions?: readonly Extension[];
}

export interface Extension {
  /** `2.5.29.30` */
  readonly oid: string;
  readonly critical?: boolean;
  /** DER. */
  readonly value: Buffer;
}

/** Makes an X.509 v3 certificate on the spot, so that no key is kept in the repository. */
export function createIdentity(name: string, options: CertificateOptions = {}): Identity {
  const { algorithm = "ec" } = options;
  const { privateKey, publicKey } = keyPair(algorithm);
  const issuer = options.issuer ?? { name, privateKey, algorithm };
  const signature = SIGNATURES[issuer.algorithm];
  const year = new Date().getUTCFullYear();
  const [from, to] = options.years ?? (options.expired ? [-3, -2] : [-1, 5]);
  const { authority = options.issuer === undefined, pathLength, extensions = [] } = options;
  const body = sequence(
    tag(0xa0, der(2, Buffer.from([2]))),
    der(2, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    sequence(signature.oid),
    distinguishedName(issuer.name),
    sequence(generalizedTime(year + from), generalizedTime(year + to)),
    distinguishedName(name),
    publicKey.export({ type: "spki", format: "der" }),
    tag(
      0xa3,
      sequence(
        basicConstraints(authority, pathLength),
        altNames(options.names ?? []),
        ...extensions.map(extension),
      ),
    ),
  );
  const signed = sign(signature.digest, body, issuer.privateKey);
  const whole = sequence(body, sequence(signature.oid), bits(signed));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines(whole)}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    name,
    privateKey,
    algorithm,
  };
}

const keyPair = (algorithm: Algorithm) =>
  algorithm === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync(algorithm);

const lines = (bytes: Buffer) =>
  bytes
    .toString("base64")
    .match(/.{1,64}/g)
    ?.join("\n");

const COMMON_NAME = [0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];
const ALT_NAMES = [0x55, 0x1d, 0x11];

function der(type: number, value: Buffer): Buffer {
  const length = value.length;
  return Buffer.concat([Buffer.from([type, ...lengthBytes(length)]), value]);
}

/** In as few bytes as there can be: some parsers take nothing else. */
function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

const tag = der;
const sequence = (...parts: readonly Buffer[]) => der(0x30, Buffer.concat(parts));
const oid = (bytes: readonly number[]) => der(6, Buffer.from(bytes));
const bits = (value: Buffer) => der(3, Buffer.concat([Buffer.from([0]), value]));
const distinguishedName = (name: string) =>
  sequence(der(0x31, sequence(oid(COMMON_NAME), utf8(name))));
const generalizedTime = (year: number) => der(0x18, Buffer.from(`${year}0101000000Z`));
const TRUE = der(1, Buffer.from([0xff]));

function basicConstraints(authority: boolean, pathLength: number | undefined): Buffer {
  const length = pathLength === undefined ? [] : [der(2, Buffer.from([pathLength]))];
  return sequence(
    oid(BASIC_CONSTRAINTS),
    der(4, authority ? sequence(TRUE, ...length) : sequence()),
  );
}

const extension = ({ oid: name, critical, value }: Extension): Buffer =>
  sequence(der(6, oidBytes(name)), ...(critical ? [TRUE] : []), der(4, value));

function oidBytes(name: string): Buffer {
  const [first = 0, second = 0, ...arcs] = name.split(".").map(Number);
  return Buffer.from([40 * first + second, ...arcs.flatMap(base128)]);
}

/** Seven bits each, the highest first; all but the last have the eighth bit set. */
const base128 = (arc: number): readonly number[] =>
  arc < 128 ? [arc] : [...base128(arc >> 7).map((byte) => byte | 0x80), arc & 0x7f];

const SIGNATURES = {
  ec: { oid: der(6, oidBytes("1.2.840.10045.4.3.2")), digest: "sha256" },
  "ml-dsa-44": { oid: der(6, oidBytes("2.16.840.1.101.3.4.3.17")), digest: null },
} as const;

/** A UTF8String, as extensions of entitlements hold it. */
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
export const octetString = (bytes: Buffer): Buffer => der(4, bytes);

function altNames(names: readonly string[]): Buffer {
  if (names.length === 0) return Buffer.alloc(0);
  const entries = names.map((name) =>
    /^[\d.]+$/.test(name)
      ? der(0x87, Buffer.from(name.split(".").map(Number)))
      : der(0x82, Buffer.from(name)),
  );
  return sequence(oid(ALT_NAMES), der(4, sequence(...entries)));
}
