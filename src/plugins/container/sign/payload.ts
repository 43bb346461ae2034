/** What is said to be signed: which image, and under which name. */
export interface Statement {
  /** Digest of the manifest. */
  readonly digest: string;
  /** `<host>/<name>:<tag>` */
  readonly reference: string;
}

/** The part that clients check; the same image under the same name gives the same text. */
export const criticalText = ({ digest, reference }: Statement): string =>
  JSON.stringify({
    type: "atomic container signature",
    image: { "docker-manifest-digest": digest },
    identity: { "docker-reference": reference },
  });

/** What is signed of an image (plugin-container §7.11). */
export const payloadOf = (statement: Statement, timestampS: number): Buffer => {
  const optional = JSON.stringify({ creator: "Deckle", timestamp: timestampS });
  return Buffer.from(`{"critical":${criticalText(statement)},"optional":${optional}}`);
};
