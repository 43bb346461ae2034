import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { appErrors } from "../errors.ts";

/** Asks for one line; what is typed is not shown if it is a secret. */
export async function ask(question: string, { isSecret = false } = {}): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = sharedLines(isSecret ? silent : process.stderr);
  const line = await lines.next();
  if (isSecret) process.stderr.write("\n");
  if (line.done) throw appErrors.usage("There was no answer.");
  return line.value;
}

/** Asks twice, in the words of the peer. */
export async function askPassword(username: string): Promise<string> {
  const text = `Please enter new password for user "${username}"`;
  const password = await ask(`${text}: `, { isSecret: true });
  if ((await ask(`${text} again: `, { isSecret: true })) !== password) {
    throw appErrors.usage("The passwords did not match.");
  }
  if (password.length < 1) {
    throw appErrors.usage("The password must be at least 1 character long.");
  }
  return password;
}

let iterator: AsyncIterator<string> | undefined;

/** One reader for all questions: input that is piped in may hold several answers. */
function sharedLines(output: NodeJS.WritableStream): AsyncIterator<string> {
  if (!process.stdin.isTTY) {
    iterator ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    return iterator;
  }
  const reader = createInterface({ input: process.stdin, output, terminal: true });
  const answer = reader.question("").finally(() => reader.close());
  return { next: async () => ({ done: false, value: await answer }) };
}
