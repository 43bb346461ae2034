/** Each is compared with each tag that a version changes. */
export const MOST_TAG_GLOBS = 100;

/** What tags are made of, and what patterns add: nothing that a database or a terminal minds. */
const GLOB = /^[\x21-\x7e]{1,255}$/;

export const isTagGlob = (value: unknown): value is string =>
  typeof value === "string" && GLOB.test(value);
