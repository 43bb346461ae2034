import { isDeepStrictEqual } from "node:util";
import { CodedError } from "#base/errors.ts";
import type { Ctx } from "#core/ctx.ts";
import type {
  Asking,
  Authenticate,
  AuthenticationClass,
  Identity,
  SecurityScheme,
} from "./authentication.ts";
import { authErrors } from "./errors.ts";
import { unknownBackend } from "./remote-users.ts";
import { namedUser, reportLogIn } from "./report-log-in.ts";

const SETTING = "REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES";

/** Who asks, and the name of the class that recognised it. */
export interface Recognised extends Identity {
  readonly by: string;
}

/** Who recognises requests, in the order of the setting: the first that does decides. */
export class AuthenticationChain {
  readonly #ctx: Ctx;
  readonly #classes: readonly AuthenticationClass[];
  readonly #steps: readonly { readonly name: string; readonly authenticate: Authenticate }[];

  /** @throws `authErrors.setting` with a sentence that says what is wrong with the settings. */
  constructor(ctx: Ctx, known: readonly AuthenticationClass[]) {
    this.#ctx = ctx;
    this.#classes = chosenClasses(ctx.settings, known);
    const problems = [
      unknownBackend(
        ctx.settings,
        known.flatMap(({ identifiers }) => identifiers),
      ),
      ...this.#classes.map(({ problem }) => problem?.(ctx.settings)),
    ];
    const problem = problems.find((sentence) => sentence !== undefined);
    if (problem !== undefined) throw authErrors.setting(problem);
    this.#steps = this.#classes.map((one) => ({ name: one.name, authenticate: one.open(ctx) }));
  }

  async authenticate(request: Asking): Promise<Recognised | undefined> {
    for (const { name, authenticate } of this.#steps) {
      const identity = await authenticate(request).catch((error: unknown) => {
        this.#refused(request, name, error);
        throw error;
      });
      if (identity) return { ...identity, by: name };
    }
    return undefined;
  }

  #refused(request: Asking, by: string, error: unknown): void {
    const isRefusal = error instanceof CodedError && (error.status === 401 || error.status === 429);
    if (!isRefusal) return;
    reportLogIn(this.#ctx, request, { action: "failed", user: namedUser(request), by });
  }

  /** That of the first class; undefined if it has none. */
  challenge(request: Asking): string | undefined {
    return this.#classes[0]?.challenge?.(request);
  }
}

/**
 * Schemes of the API description by name, in the order of the setting. Two that say the same are one:
 * `pulp-cli` takes the cheapest for it, and fails where it has to choose among equals.
 */
export function securitySchemes(
  settings: Ctx["settings"],
  known: readonly AuthenticationClass[],
): Readonly<Record<string, SecurityScheme["value"]>> {
  const schemes = chosenClasses(settings, known).flatMap(({ scheme }) => scheme?.(settings) ?? []);
  const isFirst = ({ value }: SecurityScheme, at: number) =>
    schemes.findIndex((one) => isDeepStrictEqual(one.value, value)) === at;
  return Object.fromEntries(schemes.filter(isFirst).map(({ name, value }) => [name, value]));
}

function chosenClasses(
  { REST_FRAMEWORK: api }: Ctx["settings"],
  known: readonly AuthenticationClass[],
): readonly AuthenticationClass[] {
  const names = api.DEFAULT_AUTHENTICATION_CLASSES;
  if (names === undefined) return defaultClasses(known);
  if (!Array.isArray(names) || names.length === 0) {
    throw authErrors.setting(`${SETTING} must be a list of at least one name.`);
  }
  return names.map((name) => {
    const found = known.find(({ identifiers }) => identifiers.includes(name));
    if (found) return found;
    const all = known.flatMap(({ identifiers }) => identifiers).join(", ");
    throw authErrors.setting(`${SETTING} names ${String(name)}, which is none of ${all}.`);
  });
}

/** Without the setting (core-rest §5). */
const defaultClasses = (known: readonly AuthenticationClass[]): readonly AuthenticationClass[] =>
  known
    .filter(({ defaultRank }) => defaultRank !== undefined)
    .sort((a, b) => Number(a.defaultRank) - Number(b.defaultRank));
