import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, test } from "node:test";
import { readConfig } from "./config.ts";
import { MAX_MANIFEST_BYTES, Malformed, readManifest, traitsOf } from "./manifest.ts";
import {
  DOCKER_CONFIG,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  EMPTY_JSON,
  HELM_CONFIG,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  SCHEMA1,
  SCHEMA1_SIGNED,
} from "./media-types.ts";

const hex = (text: string) => hash("sha256", text);
const digest = (text: string) => `sha256:${hex(text)}`;
const bytesOf = (document: unknown) => Buffer.from(JSON.stringify(document));
const descriptor = (mediaType: string, more: object = {}) => ({
  ...{ mediaType, size: 10, digest: digest(mediaType) },
  ...more,
});

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const image = (more: object = {}) => ({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: descriptor(OCI_CONFIG),
  layers: [descriptor(LAYER), descriptor(LAYER, { size: 32 })],
  ...more,
});
const dockerImage = (more: object = {}) =>
  image({ mediaType: DOCKER_MANIFEST, config: descriptor(DOCKER_CONFIG), ...more });
const index = (manifests: readonly unknown[], more: object = {}) => ({
  ...{ schemaVersion: 2, mediaType: OCI_INDEX, manifests },
  ...more,
});
const platform = { architecture: "arm64", os: "linux" };
const list = (manifests: readonly unknown[]) => index(manifests, { mediaType: DOCKER_LIST });
const schema1 = (more: object = {}) => ({
  ...{ schemaVersion: 1, name: "foo", tag: "1", architecture: "amd64" },
  fsLayers: [{ blobSum: digest("a") }],
  history: [{ v1Compatibility: "{}" }],
  ...more,
});
const without = (document: object, name: string) =>
  Object.fromEntries(Object.entries(document).filter(([key]) => key !== name));

describe("the type of a manifest", () => {
  const bare = (document: object) => without(document, "mediaType");
  const cases: readonly [string, object, string | undefined, string][] = [
    ["says the document before the header", image(), DOCKER_MANIFEST, OCI_MANIFEST],
    ["says the header without parameters", bare(image()), `${OCI_MANIFEST}; a=b`, OCI_MANIFEST],
    ["is stored unsigned", schema1(), SCHEMA1_SIGNED, SCHEMA1],
    ["is not what a foreign header says", bare(image()), "application/json", OCI_MANIFEST],
    ["is Docker's by its configuration", bare(dockerImage()), undefined, DOCKER_MANIFEST],
    ["is OCI's by a child", bare(index([descriptor(OCI_MANIFEST)])), undefined, OCI_INDEX],
    [
      "is Docker's list by its children",
      bare(list([descriptor(DOCKER_MANIFEST, { platform })])),
      undefined,
      DOCKER_LIST,
    ],
    ["is an index without children", bare(index([])), undefined, OCI_INDEX],
    ["is schema 1 otherwise", schema1(), undefined, SCHEMA1],
  ];
  for (const [name, document, contentType, expected] of cases) {
    test(name, () => {
      const options = contentType === undefined ? {} : { contentType };
      assert.equal(readManifest(bytesOf(document), options).mediaType, expected);
    });
  }
});

const deep = `${"[".repeat(100)}${"]".repeat(100)}`;
const refused: readonly [string, object | string, RegExp][] = [
  ["no JSON", "{", /^The manifest is not JSON\.$/],
  ["no object", "[]", /^\(root\): /],
  ["nesting", `{"a":${deep}}`, /nests too deeply/],
  ["a member twice", '{"mediaType":"a","mediaType":"b"}', /two members "mediaType"/],
  ["an unknown type", { mediaType: "text/html" }, /unknown media type was provided: `text\/html`/],
  ["a type that is no text", { mediaType: 5 }, /unknown media type was provided: `5`/],
  ["no layers", without(image(), "layers"), /^layers: /],
  ["no configuration", image({ config: null }), /^config: /],
  ["a size below 0", image({ layers: [descriptor(LAYER, { size: -1 })] }), /^layers\.0\.size: /],
  [
    "no digest",
    image({ layers: [descriptor(LAYER, { digest: "sha256:1" })] }),
    /^layers\.0\.digest: Expected a digest$/,
  ],
  ["annotations that are no texts", image({ annotations: { a: 1 } }), /^annotations/],
  ["a version", image({ schemaVersion: 1 }), /^schemaVersion: /],
  [
    "a subject without a size",
    image({ subject: { mediaType: OCI_MANIFEST, digest: digest("a") } }),
    /^subject/,
  ],
  [
    "a configuration of OCI in Docker's type",
    dockerImage({ config: descriptor(OCI_CONFIG) }),
    /^config\.mediaType: /,
  ],
  ["a list without platforms", list([descriptor(DOCKER_MANIFEST)]), /^manifests\.0\.platform: /],
  ["a list of lists", list([descriptor(DOCKER_LIST, { platform })]), /^manifests\.0\.mediaType: /],
  [
    "a platform without a system",
    index([descriptor(OCI_MANIFEST, { platform: { architecture: "x" } })]),
    /^manifests\.0\.platform/,
  ],
  ["schema 1 without history", without(schema1(), "history"), /^history: /],
  [
    "a broken signature",
    schema1({ signatures: [{ protected: "a", signature: "", header: { alg: "ES256" } }] }),
    /^signatures\.0\.protected: no base64$/,
  ],
];

describe("what is refused", () => {
  for (const [name, document, message] of refused) {
    test(name, () => {
      const bytes = typeof document === "string" ? Buffer.from(document) : bytesOf(document);
      assert.throws(
        () => readManifest(bytes),
        (error: Error) => {
          assert.ok(error instanceof Malformed, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test("bytes that are no UTF-8, and too many", () => {
    assert.throws(() => readManifest(Buffer.from([0x7b, 0xff, 0x7d])), /not UTF-8/);
    assert.throws(() => readManifest(Buffer.alloc(MAX_MANIFEST_BYTES + 1, " ")), /at most/);
  });
});

describe("what is taken", () => {
  test("anything beyond the shape, nested indexes, unknown children, no layers, no platform", () => {
    for (const document of [
      image({ layers: [], extra: { a: [1] }, annotations: null, subject: null }),
      image({ config: descriptor("application/vnd.acme.thing") }),
      index([]),
      index([
        descriptor(OCI_INDEX),
        descriptor("application/vnd.acme.layer"),
        descriptor(LAYER, { platform: null }),
      ]),
    ]) {
      assert.equal(readManifest(bytesOf(document)).schemaVersion, 2);
    }
  });

  test("a manifest of 3.9 MB", () => {
    const annotations = Object.fromEntries(
      Array.from({ length: 1000 }, (_, n) => [`key-${n}`, "x".repeat(3900)]),
    );
    assert.deepEqual(readManifest(bytesOf(image({ annotations }))).annotations, annotations);
  });
});

describe("what an image says", () => {
  test("references with sizes, the sum of its layers, its subject and what it notes", () => {
    const subject = descriptor(OCI_MANIFEST);
    const facts = readManifest(bytesOf(image({ subject, annotations: { a: "b\u0000" } })));
    assert.deepEqual(
      facts.references.map(({ kind, position, size }) => [kind, position, size]),
      [
        ["config", 0, 10],
        ["layer", 0, 10],
        ["layer", 1, 32],
      ],
    );
    assert.equal(facts.compressedImageSize, 42);
    assert.equal(facts.subject, subject.digest);
    assert.deepEqual(facts.annotations, { a: "b\uFFFD" });
    assert.equal(facts.referrerType, OCI_CONFIG);
    assert.equal(facts.artifactType, null);
  });

  test("the digest is over the bytes as they came, with the algorithm asked for", () => {
    const bytes = Buffer.from(`${JSON.stringify(image(), null, 3)}\n`);
    assert.equal(readManifest(bytes).digest, `sha256:${hash("sha256", bytes)}`);
    const { digest: longer } = readManifest(bytes, { algorithm: "sha512" });
    assert.equal(longer, `sha512:${hash("sha512", bytes)}`);
  });

  test("Docker's own type has neither a subject nor annotations", () => {
    const more = { subject: descriptor(OCI_MANIFEST), annotations: { a: "b" }, artifactType: "x" };
    const { subject, annotations, artifactType } = readManifest(bytesOf(dockerImage(more)));
    assert.deepEqual([subject, annotations, artifactType], [null, {}, null]);
  });

  test("which layers may be absent", () => {
    const foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    const data = Buffer.from("hello").toString("base64");
    const layers = [
      descriptor(foreign, { urls: ["https://a/b"] }),
      descriptor(foreign),
      descriptor(LAYER, { data, digest: digest("hello") }),
      descriptor(LAYER, { data, digest: digest("other") }),
    ];
    const [, ...references] = readManifest(bytesOf(image({ layers }))).references;
    assert.deepEqual(
      references.map(({ isForeign, hasUrls, isInline }) => [isForeign, hasUrls, isInline]),
      [
        [true, true, false],
        [true, false, false],
        [false, false, true],
        [false, false, false],
      ],
    );
  });
});

test("an index says the platform of each child", () => {
  const child = descriptor(OCI_MANIFEST, {
    platform: { ...platform, variant: "v8", "os.version": "10", "os.features": ["a", "b"] },
  });
  const { references, compressedImageSize, referrerType } = readManifest(
    bytesOf(index([child, descriptor(OCI_INDEX)], { artifactType: "a/b" })),
  );
  assert.deepEqual(references[0]?.platform, {
    ...platform,
    ...{ variant: "v8", os_version: "10", os_features: "a,b", features: "" },
  });
  assert.equal(references[1]?.platform, null);
  assert.equal(compressedImageSize, null);
  assert.equal(referrerType, "a/b");
});

test("schema 1 is known by its bytes without the signature", () => {
  const unsigned = JSON.stringify(schema1(), null, 3);
  const formatLength = unsigned.length - 2;
  const header = { formatLength, formatTail: Buffer.from("\n}").toString("base64url") };
  const signatures = [
    {
      protected: Buffer.from(JSON.stringify(header)).toString("base64url"),
      ...{ signature: "x", header: { alg: "ES256" } },
    },
  ];
  const signed = `${unsigned.slice(0, formatLength)},\n   "signatures": ${JSON.stringify(signatures)}\n}`;
  const facts = readManifest(Buffer.from(signed));
  assert.equal(facts.digest, digest(unsigned));
  assert.equal(facts.bytes.toString(), signed);
  assert.deepEqual(facts.platform, { architecture: "amd64", os: null });
  assert.equal(facts.compressedImageSize, 0);
});

describe("the kind of a manifest", () => {
  const layer = (type: string) => ({ layers: [descriptor(LAYER), descriptor(type)] });
  const cases: readonly [string, object, object][] = [
    ["image", image(), {}],
    ["image", dockerImage(), {}],
    ["image", schema1(), {}],
    ["index", index([]), {}],
    ["bootable", image({ annotations: { "containers.bootc": "1" } }), {}],
    ["bootable", dockerImage(), { "containers.bootc": "1", "org.flatpak.ref": "app/x" }],
    ["flatpak", image(), { "org.flatpak.ref": "app/x" }],
    ["image", image(), { "org.flatpak.ref": "" }],
    ["helm", image({ config: descriptor(HELM_CONFIG) }), {}],
    ["cosign_signature", image(layer("application/vnd.dev.cosign.simplesigning.v1+json")), {}],
    ["cosign_attestation", image(layer("application/vnd.dsse.envelope.v1+json")), {}],
    [
      "cosign_attestation_bundle",
      image(layer("application/vnd.dev.sigstore.bundle.v0.3+json")),
      {},
    ],
    ["cosign_sbom", image(layer("text/spdx+xml")), {}],
    ["artifact", image({ artifactType: "a/b" }), {}],
    ["artifact", image({ config: descriptor(EMPTY_JSON) }), {}],
    ["artifact", image({ config: descriptor("application/vnd.acme.thing") }), {}],
  ];
  for (const [kind, document, labels] of cases) {
    test(`${kind}: ${JSON.stringify(document).length} bytes, labels ${Object.keys(labels)}`, () => {
      const config = readConfig(bytesOf({ config: { Labels: labels } }));
      assert.equal(traitsOf(readManifest(bytesOf(document)), config).type, kind);
    });
  }
});

describe("a configuration", () => {
  const cases: readonly [string, string, object, string | null][] = [
    [
      "of an image",
      '{"architecture":"arm64","config":{"Labels":{"a":"b","c":1}}}',
      { a: "b" },
      "arm64",
    ],
    ["that is no JSON", "{", {}, null],
    ["that is null", "null", {}, null],
    ["of another shape", '{"architecture":[],"config":"x"}', {}, null],
    ["without labels", '{"config":{"Labels":null}}', {}, null],
    ["that the database could not keep", '{"architecture":"\\u0000\\ud800"}', {}, "\uFFFD\uFFFD"],
  ];
  for (const [name, text, labels, architecture] of cases) {
    test(name, () => {
      const facts = readConfig(Buffer.from(text));
      assert.deepEqual(facts.labels, labels);
      assert.equal(facts.architecture, architecture);
    });
  }
});
