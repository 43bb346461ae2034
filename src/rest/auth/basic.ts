import { BasicLogIn } from "#core/access/basic-log-in.ts";
import type { Ctx, User } from "#core/ctx.ts";
import { restErrors } from "../kit/rest-errors.ts";

/** HTTP Basic as the API answers it (core-rest §5). */
export class BasicAuthentication {
  readonly #basic: BasicLogIn;

  constructor(ctx: Ctx) {
    this.#basic = new BasicLogIn(ctx);
  }

  /**
   * The user of an `Authorization` header; undefined if the header is of another scheme.
   *
   * @param address of the client; failing log-ins are limited per address and name.
   * @throws the 401 and 429 errors of `restErrors`.
   */
  async authenticate(header: string, address: string): Promise<User | undefined> {
    const found = await this.#basic.logIn(header, address);
    switch (found?.kind) {
      case undefined:
        return undefined;
      case "user":
        return found.user;
      case "malformed":
        throw restErrors.basicHeader(found.why);
      case "flood":
        throw restErrors.flood(found.seconds);
      case "wrong":
        throw restErrors.password();
      case "inactive":
        throw restErrors.inactive();
      default:
        return found satisfies never;
    }
  }
}
