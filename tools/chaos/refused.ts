import type { Api } from "../../test/support/api.ts";

/** One thing that a client does; rejects when it was not acknowledged. */
export type Step = (api: Api) => Promise<void>;

/** An answer that is no success. */
export class Refused extends Error {
  readonly status: number;
  readonly body: string;
  constructor(what: string, status: number, body: string) {
    super(`${what} answered ${status}: ${body.slice(0, 300)}`);
    this.status = status;
    this.body = body;
  }
}
