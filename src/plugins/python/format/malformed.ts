/** A distribution, its file name or its metadata cannot be read; the text says what is wrong. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}
