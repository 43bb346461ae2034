/** A form of the pages below `simple/`. */
export type SimpleType =
  | "text/html"
  | "application/vnd.pypi.simple.v1+html"
  | "application/vnd.pypi.simple.v1+json";

export const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
const HTML_V1 = "application/vnd.pypi.simple.v1+html";
const HTML = "text/html";

/** Types that a client may name, and what it then means. */
const NAMES: Readonly<Record<string, SimpleType>> = {
  [JSON_TYPE]: JSON_TYPE,
  [HTML_V1]: HTML_V1,
  [HTML]: HTML,
  "application/vnd.pypi.simple.latest+json": JSON_TYPE,
  "application/vnd.pypi.simple.latest+html": HTML_V1,
};

/** More types than this in one header are no client's wish. */
const MOST = 100;

/**
 * Chooses the form of a simple page; never refuses. JSON is sent to whoever names it with no less
 * weight than the HTML types, whatever stands for any type.
 *
 * @param format value of `?format=`, which wins.
 * @see plugin-python §6.2, PEP 691
 */
export function simpleType(accept: string | undefined, format: string | null): SimpleType {
  if (format === "json") return JSON_TYPE;
  if (format === "html") return HTML;
  const weights = new Map<SimpleType, number>();
  for (const entry of (accept ?? "").split(",", MOST)) {
    const [name = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    const type = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (type) weights.set(type, Math.max(weights.get(type) ?? 0, weightOf(parameters)));
  }
  const weight = (type: SimpleType): number => weights.get(type) ?? 0;
  if (weight(JSON_TYPE) > 0 && weight(JSON_TYPE) >= Math.max(weight(HTML), weight(HTML_V1)))
    return JSON_TYPE;
  return weight(HTML_V1) > weight(HTML) ? HTML_V1 : HTML;
}

/** A weight that is none counts as nothing. */
function weightOf(parameters: readonly string[]): number {
  const q = parameters.find((one) => one.startsWith("q="));
  if (q === undefined) return 1;
  return /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(q) ? Number(q.slice(2)) : 0;
}

/** Whether a client takes a body that is packed with gzip. @see RFC 9110, section 12.5.3 */
export function takesGzip(acceptEncoding: string | string[] | undefined): boolean {
  if (typeof acceptEncoding !== "string") return false;
  for (const entry of acceptEncoding.split(",", MOST)) {
    const [name = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    if (name === "gzip") return weightOf(parameters) > 0;
  }
  return false;
}

export const isJson = (type: SimpleType): boolean => type.endsWith("json");

/** `Content-Type` of a simple page. */
export const mediaType = (type: SimpleType): string =>
  type === "text/html" ? "text/html; charset=utf-8" : type;
