import { AsyncLocalStorage } from "node:async_hooks";

/** What surrounds a piece of work and is nobody's parameter. */
export interface Ambient {
  /** Of the request or task, as its log lines have it; ASCII. */
  readonly correlationId: string;
  /** `Basic …` that a client brings for the registry its domain keeps files in (service §16). */
  readonly registryAuthorization?: string;
}

const current = new AsyncLocalStorage<Ambient>();

/** Does the work, and all that it begins, with these surroundings. */
export const within = <Result>(ambient: Ambient, work: () => Result): Result =>
  current.run(ambient, work);

/** Undefined outside of requests that write, and of tasks. */
export const ambient = (): Ambient | undefined => current.getStore();

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What surrounds a request; undefined where nobody would ask for it. */
export function ambientOf(
  { method = "", headers }: { readonly method?: string | undefined; readonly headers: Headers },
  correlationId: string,
): Ambient | undefined {
  const given = headers["x-quay-auth"];
  if (typeof given === "string" && /^Basic [\w+/=-]{1,8192}$/.test(given))
    return { correlationId, registryAuthorization: given };
  return method === "GET" || method === "HEAD" ? undefined : { correlationId };
}
