/** A distribution, its name, its metadata or a page of an index is broken; the text says how. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}
