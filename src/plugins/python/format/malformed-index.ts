/** A page of an upstream index cannot be read; the text says what is wrong with it. */
export class MalformedIndex extends Error {
  override readonly name = "MalformedIndex";
}
