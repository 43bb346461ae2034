import { sha256 } from "#base/digests.ts";
import { scanJson } from "#base/json-scan.ts";
import { MalformedMessage, readSignedMessage } from "./openpgp.ts";

/** A signature over an image as `containers/image` makes it (plugin-container §7.11). */
export interface SimpleSignature {
  /** `sha256:` and the hash of the message. */
  readonly digest: string;
  readonly keyId: string;
  readonly fingerprint: string | null;
  readonly timestamp: number;
  /** May be empty. */
  readonly creator: string;
  /** Digest of the manifest that it is about. */
  readonly manifest: string;
  /** Name that the image had when it was signed. */
  readonly reference: string;
}

const MAX_DEPTH = 20;

/**
 * Reads one signature; whose it is has to be checked by clients, who have the keys.
 *
 * @param bytes the OpenPGP message.
 * @throws `MalformedMessage`
 */
export function readSimpleSignature(bytes: Buffer): SimpleSignature {
  const { literal, ...signature } = readSignedMessage(bytes);
  return { ...signature, ...payloadOf(literal), digest: `sha256:${sha256(bytes).toString("hex")}` };
}

function payloadOf(literal: Buffer): Pick<SimpleSignature, "manifest" | "reference" | "creator"> {
  const root = keysOf(parsed(literal), "", ["critical", "optional"]);
  const critical = keysOf(root.critical, "critical", ["type", "image", "identity"]);
  if (critical.type !== "atomic container signature") {
    throw new MalformedMessage("critical.type: must be 'atomic container signature'.");
  }
  const image = keysOf(critical.image, "critical.image", ["docker-manifest-digest"]);
  const identity = keysOf(critical.identity, "critical.identity", ["docker-reference"]);
  return {
    manifest: textOf(image["docker-manifest-digest"], "critical.image.docker-manifest-digest"),
    reference: textOf(identity["docker-reference"], "critical.identity.docker-reference"),
    creator: creatorOf(root.optional),
  };
}

type Tree = Readonly<Record<string, unknown>>;

function parsed(literal: Buffer): unknown {
  const text = literal.toString();
  if (scanJson(text, MAX_DEPTH)) throw new MalformedMessage("What is signed is no plain JSON.");
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedMessage("What is signed is no JSON.");
  }
}

/** Both of them have to be there, and nothing else: clients refuse what they do not know. */
function keysOf(value: unknown, path: string, names: readonly string[]): Tree {
  const tree = treeOf(value, path);
  const missing = names.find((name) => !Object.hasOwn(tree, name));
  if (missing) throw new MalformedMessage(`${under(path, missing)}: is missing.`);
  const extra = Object.keys(tree).find((name) => !names.includes(name));
  if (extra !== undefined) {
    throw new MalformedMessage(`${under(path, extra.slice(0, 80))}: is not expected.`);
  }
  return tree;
}

function creatorOf(optional: unknown): string {
  const { creator, timestamp } = treeOf(optional, "optional");
  const isTime = typeof timestamp === "number" && timestamp >= 0;
  if (timestamp !== undefined && timestamp !== null && !isTime) {
    throw new MalformedMessage("optional.timestamp: must be a number that is not negative.");
  }
  return creator === undefined || creator === null ? "" : textOf(creator, "optional.creator");
}

function treeOf(value: unknown, path: string): Tree {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MalformedMessage(`${path === "" ? "What is signed" : path}: must be an object.`);
  }
  return value as Tree;
}

function textOf(value: unknown, path: string): string {
  if (typeof value !== "string") throw new MalformedMessage(`${path}: must be a text.`);
  if (value.includes("\0")) throw new MalformedMessage(`${path}: holds a null character.`);
  return value;
}

const under = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);
