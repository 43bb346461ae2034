import type { Ctx } from "../ctx.ts";
import { FailureLimit } from "./failure-limit.ts";
import { verifyPassword } from "./passwords.ts";

interface PasswordRow {
  readonly id: number;
  readonly password: string;
  readonly is_active: boolean;
}

/** A name and a password as somebody typed them, and from where. */
export interface TypedPassword {
  readonly name: string;
  readonly password: string;
  /** Of the client; failures are limited per address and name. */
  readonly address: string;
}

/** What came of a typed password; an inactive user is as wrong as an unknown one. */
export type PasswordLogIn =
  | { readonly kind: "user"; readonly id: number; readonly passwordHash: string }
  | { readonly kind: "wrong" }
  | { readonly kind: "flood"; readonly seconds: number };

const byName = {
  name: "password by name",
  text: "select id, password, is_active from app_user where username = $1",
};

const checks = new WeakMap<Ctx["hot"], PasswordCheck>();

/** One for all that a process asks, so that failures are counted together. */
export function passwordCheckOf(ctx: Ctx): PasswordCheck {
  const known = checks.get(ctx.hot) ?? new PasswordCheck(ctx);
  checks.set(ctx.hot, known);
  return known;
}

/** Checks that run at a time; each takes a processor for a while (reliability §5, 16). */
const MAX_RUNNING = 8;

/** Checks passwords that are typed into a form. Nothing else than the password of the user counts. */
export class PasswordCheck {
  readonly #ctx: Ctx;
  readonly #failures: FailureLimit;
  #running = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#failures = new FailureLimit(ctx.clock);
  }

  async logIn(typed: TypedPassword): Promise<PasswordLogIn> {
    const seconds = this.#failures.secondsToWait(typed.address, typed.name);
    if (seconds > 0) return { kind: "flood", seconds };
    if (this.#running >= MAX_RUNNING) return { kind: "flood", seconds: 1 };
    this.#running += 1;
    try {
      return await this.#verify(typed);
    } finally {
      this.#running -= 1;
    }
  }

  async #verify({ name, password, address }: TypedPassword): Promise<PasswordLogIn> {
    const isText = !name.includes("\0");
    const [row] = isText ? await this.#ctx.hot.query<PasswordRow>(byName, [name]) : [];
    // The work is done for unknown names too, so that the time tells nothing.
    const isRight = await verifyPassword(password, row?.password ?? "");
    if (row?.is_active && isRight) {
      return { kind: "user", id: row.id, passwordHash: row.password };
    }
    this.#failures.add(address, name);
    return { kind: "wrong" };
  }
}
