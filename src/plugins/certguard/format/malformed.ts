/** The entitlement of a certificate cannot be read; the text says what is wrong with it. */
export class MalformedEntitlement extends Error {
  override readonly name = "MalformedEntitlement";
}
