/** What a registry reads of an image's configuration. */
export interface ConfigFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly architecture: string | null;
  readonly os: string | null;
}

/** Larger configurations are blobs like any other. */
export const MAX_CONFIG_BYTES = 4_194_304;

export const NO_CONFIG: ConfigFacts = { labels: {}, architecture: null, os: null };

/**
 * Reads what is there; a configuration that is no JSON or of another shape says nothing, since
 * anything may be one (OCI image-spec v1.1, "Guidance on artifacts").
 */
export function readConfig(bytes: Buffer): ConfigFacts {
  if (bytes.length > MAX_CONFIG_BYTES) return NO_CONFIG;
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString("utf8"));
  } catch {
    return NO_CONFIG;
  }
  const { architecture, os, config } = fieldsOf(document);
  return {
    labels: textsOf(fieldsOf(config).Labels),
    architecture: typeof architecture === "string" ? storable(architecture) : null,
    os: typeof os === "string" ? storable(os) : null,
  };
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** The members that are texts. */
export function textsOf(value: unknown): Record<string, string> {
  const entries = Object.entries(fieldsOf(value)).flatMap(([key, member]) =>
    typeof member === "string" ? [[storable(key), storable(member)] as const] : [],
  );
  return Object.fromEntries(entries);
}

/** The database keeps neither NUL nor half a character in a text; the bytes themselves are kept. */
export const storable = (text: string): string =>
  text.replaceAll("\u0000", "\uFFFD").toWellFormed();
