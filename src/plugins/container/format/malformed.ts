/** A manifest is broken; the text says where and how: `<dotted path>: <reason>`. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}
