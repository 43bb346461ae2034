/** What a scanner says about some bytes. */
export type Verdict =
  | { readonly kind: "clean" }
  | { readonly kind: "infected"; readonly signature: string }
  /** More bytes than the scanner takes. */
  | { readonly kind: "oversize" }
  /** It could not be asked, did not answer in time, or could not read the bytes. */
  | { readonly kind: "failed"; readonly reason: string };

/** Looks for malware in bytes; never rejects but for the signal. */
export interface Scanner {
  /** @param bytes read once, as fast as the scanner takes them */
  scan(bytes: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<Verdict>;
  /** Name and release of the engine and its signatures; empty if it does not say. */
  version(): Promise<string>;
}
