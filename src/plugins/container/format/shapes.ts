import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value, type ValueError } from "@sinclair/typebox/value";
import { Malformed } from "./malformed.ts";
import {
  DOCKER_CONFIG,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  type ManifestType,
  OCI_INDEX,
  OCI_MANIFEST,
  SCHEMA1,
} from "./media-types.ts";
import { isDigest } from "./names.ts";

/**
 * What manifests have to look like (plugin-container §7.5); whatever else they say is let be. None
 * has to say its type: there are upstreams whose manifests do not (§17).
 */

const text = Type.String();
/** Printable: anything else cannot be stored, and is no media type. */
const mediaType = Type.String({ pattern: "^[ -~]{0,255}$" });
const namedType = Type.String({ pattern: "^[ -~]{1,255}$" });
const annotations = Type.Optional(Type.Union([Type.Record(text, text), Type.Null()]));
const version2 = Type.Literal(2);

const platform = Type.Object({
  architecture: text,
  os: text,
  "os.version": Type.Optional(text),
  "os.features": Type.Optional(Type.Array(text)),
  variant: Type.Optional(text),
  features: Type.Optional(Type.Array(text)),
});

const descriptor = Type.Object({
  mediaType: namedType,
  digest: text,
  size: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  annotations,
  urls: Type.Optional(Type.Array(text)),
  data: Type.Optional(text),
  artifactType: Type.Optional(mediaType),
  platform: Type.Optional(Type.Union([platform, Type.Null()])),
});

const typed = (...types: string[]) =>
  Type.Composite([descriptor, Type.Object({ mediaType: oneOf(types) })]);
const oneOf = (types: readonly string[]) =>
  Type.String({ pattern: `^(?:${types.map((type) => type.replace(/[.+]/g, "\\$&")).join("|")})$` });

const attached = {
  artifactType: Type.Optional(mediaType),
  subject: Type.Optional(Type.Union([descriptor, Type.Null()])),
  annotations,
};

const ociManifest = Type.Object({
  schemaVersion: version2,
  config: descriptor,
  layers: Type.Array(descriptor),
  ...attached,
});

const ociIndex = Type.Object({
  schemaVersion: version2,
  manifests: Type.Array(descriptor),
  ...attached,
});

const dockerManifest = Type.Object({
  schemaVersion: version2,
  config: typed(DOCKER_CONFIG, "application/octet-stream"),
  layers: Type.Array(descriptor),
});

const dockerList = Type.Object({
  schemaVersion: version2,
  manifests: Type.Array(
    Type.Composite([typed(DOCKER_MANIFEST, SCHEMA1, OCI_MANIFEST), Type.Object({ platform })]),
  ),
});

const schema1 = Type.Object({
  tag: text,
  name: text,
  fsLayers: Type.Array(Type.Object({ blobSum: text })),
  history: Type.Array(Type.Object({ v1Compatibility: text })),
  architecture: Type.Optional(text),
  os: Type.Optional(text),
  signatures: Type.Optional(
    Type.Array(
      Type.Object({
        protected: text,
        signature: text,
        header: Type.Object({ alg: text }),
      }),
    ),
  ),
});

export type Descriptor = Static<typeof descriptor>;
export type Platform = Static<typeof platform>;
export type ImageManifest = Static<typeof ociManifest>;
export type Index = Static<typeof ociIndex>;
export type Schema1 = Static<typeof schema1>;

const shapes: Readonly<Record<ManifestType, TSchema>> = {
  [OCI_MANIFEST]: ociManifest,
  [OCI_INDEX]: ociIndex,
  [DOCKER_MANIFEST]: dockerManifest,
  [DOCKER_LIST]: dockerList,
  [SCHEMA1]: schema1,
};

/** @throws Malformed at the first thing that is not as the type demands. */
export function checkShape(type: ManifestType, document: unknown): void {
  const error = Value.Errors(shapes[type], document).First();
  if (error) throw new Malformed(`${dotted(error.path)}: ${error.message}`);
  for (const [path, digest] of digestsOf(type, document)) {
    if (!isDigest(digest)) throw new Malformed(`${path}: Expected a digest`);
  }
}

/** Each digest that the document names, with its path. */
function* digestsOf(type: ManifestType, document: unknown): Generator<readonly [string, string]> {
  if (type === SCHEMA1) {
    const { fsLayers } = document as Schema1;
    for (const [index, { blobSum }] of fsLayers.entries()) {
      yield [`fsLayers.${index}.blobSum`, blobSum];
    }
    return;
  }
  const { config, subject, layers, manifests } = document as Partial<ImageManifest & Index>;
  if (config) yield ["config.digest", config.digest];
  if (subject) yield ["subject.digest", subject.digest];
  for (const [name, list] of Object.entries({ layers, manifests })) {
    for (const [index, { digest }] of (list ?? []).entries()) {
      yield [`${name}.${index}.digest`, digest];
    }
  }
}

/** `/layers/0/digest` → `layers.0.digest`. */
const dotted = (pointer: ValueError["path"]): string =>
  pointer === ""
    ? "(root)"
    : pointer.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~");
