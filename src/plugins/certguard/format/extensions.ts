import type { X509Certificate } from "node:crypto";
import {
  Boolean as Asn1Boolean,
  Constructed,
  fromBER,
  Integer,
  ObjectIdentifier,
  OctetString,
  Sequence,
  Utf8String,
} from "asn1js";

type Element = ReturnType<typeof fromBER>["result"];

/** One extension of a certificate (RFC 5280 §4.2). */
export interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  /** DER of what the extension says. */
  readonly value: Uint8Array;
}

/**
 * The extensions of a certificate by their OID.
 *
 * @returns undefined if they do not parse, or if one comes twice (RFC 5280 §4.2).
 */
export function extensionsOf({ raw }: X509Certificate): ReadonlyMap<string, Extension> | undefined {
  const [body] = elementsOf(parsed(raw));
  const wrapper = elementsOf(body).find(isExtensions);
  if (wrapper === undefined) return body ? new Map() : undefined;
  const [list] = wrapper instanceof Constructed ? wrapper.valueBlock.value : [];
  const extensions = elementsOf(list).map(extensionOf);
  const byOid = new Map(extensions.map((extension) => [extension?.oid ?? "", extension]));
  if (byOid.size !== extensions.length || byOid.has("")) return undefined;
  return byOid as ReadonlyMap<string, Extension>;
}

/** `[3] EXPLICIT Extensions` of a TBSCertificate. */
const isExtensions = ({ idBlock }: Element): boolean =>
  idBlock.tagClass === 3 && idBlock.tagNumber === 3;

function extensionOf(element: Element): Extension | undefined {
  const [oid, ...rest] = elementsOf(element);
  const value = rest.at(-1);
  if (!(oid instanceof ObjectIdentifier) || !(value instanceof OctetString)) return undefined;
  const critical = rest.length > 1 ? rest[0] : undefined;
  return {
    oid: oid.getValue(),
    isCritical: critical instanceof Asn1Boolean && critical.getValue(),
    value: value.valueBlock.valueHexView,
  };
}

/** The text of a UTF8String; undefined for anything else. */
export function utf8Text(der: Uint8Array): string | undefined {
  const element = parsed(der);
  return element instanceof Utf8String ? element.getValue() : undefined;
}

/** The bytes of an OCTET STRING; undefined for anything else. */
export function octets(der: Uint8Array): Uint8Array | undefined {
  const element = parsed(der);
  return element instanceof OctetString ? element.valueBlock.valueHexView : undefined;
}

/** `pathLenConstraint` of basicConstraints; undefined if there is none (RFC 5280 §4.2.1.9). */
export function pathLength(der: Uint8Array): number | undefined {
  const last = elementsOf(parsed(der)).at(-1);
  return last instanceof Integer ? last.valueBlock.valueDec : undefined;
}

/** The one element that the bytes are; asn1js throws at some texts and times that are none. */
function parsed(der: Uint8Array): Element | undefined {
  try {
    const { offset, result } = fromBER(der);
    return offset === der.byteLength ? result : undefined;
  } catch {
    return undefined;
  }
}

const elementsOf = (element: Element | undefined): readonly Element[] =>
  element instanceof Sequence ? element.valueBlock.value : [];
