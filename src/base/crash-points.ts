/** Sees every crash point that is passed; it simulates a crash by throwing or by killing. */
export type CrashHandler = (name: string) => void;

let armed: CrashHandler | undefined;

/**
 * A place between two durable steps, where a crash must lose nothing and leak nothing. It does
 * nothing unless a test has armed the points of its process.
 *
 * @param name noun and what has just happened: `artifact.placed`.
 */
export function crashPoint(name: string): void {
  armed?.(name);
}

/** Lets the handler see the points until the result is disposed. */
export function armCrashPoints(handler: CrashHandler): Disposable {
  armed = handler;
  return {
    [Symbol.dispose]: () => {
      armed = undefined;
    },
  };
}
