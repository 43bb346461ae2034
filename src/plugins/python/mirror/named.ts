import { Malformed } from "../format/malformed.ts";
import { mirrorErrors } from "./errors.ts";

/**
 * Says which page it was that cannot be read.
 *
 * @throws `mirrorErrors.page` for `Malformed`; everything else as it is.
 */
export async function named<Result>(url: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Malformed) throw mirrorErrors.page(url, error.message);
    throw error;
  }
}
