import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { repositoryRoot, type Server } from "../../support/server.ts";

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

type Environment = Readonly<Record<string, string>>;

/** Starts `deckle-operator`, without what the person who runs the tests has in the home folder. */
export function startOperator(words: readonly string[], environment: Environment = {}): Running {
  const program = join(repositoryRoot, "src/bin/operator.ts");
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: "/nonexistent", ...environment },
  });
  const output = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    output.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.err += chunk;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...output }));
  return { child, ended };
}

export const runOperator = (words: readonly string[], environment?: Environment): Promise<Ended> =>
  startOperator(words, environment).ended;

/** Flags that name a server and its administrator. */
export const at = (
  { apiUrl, username, password }: Pick<Server, "apiUrl" | "username" | "password">,
  apiRoot = "/pulp/",
): readonly string[] => [
  ...["--base-url", apiUrl, "--api-root", apiRoot],
  ...["--user", username, "--password", password],
];
