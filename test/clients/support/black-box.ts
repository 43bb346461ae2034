import { after, before } from "node:test";
import { type Api, createApi } from "../../support/api.ts";
import { type Server, type ServerOptions, startServer } from "../../support/server.ts";
import { type Cli, createCli } from "./cli.ts";

export interface BlackBox {
  readonly server: Server;
  readonly api: Api;
  readonly pulp: Cli;
}

/**
 * One started server for all tests of a file, with the stock CLI and a plain API client.
 *
 * @param arrange runs once before the first test; what it puts on the stack goes with the server.
 */
export function blackBox(
  options: ServerOptions = {},
  arrange?: (box: BlackBox, stack: AsyncDisposableStack) => Promise<void>,
): BlackBox {
  const stack = new AsyncDisposableStack();
  const parts: { server?: Server; api?: Api; pulp?: Cli } = {};
  before(async () => {
    parts.server = stack.use(await startServer(options));
    parts.api = createApi(parts.server);
    parts.pulp = stack.use(await createCli(parts.server));
    await arrange?.(box, stack);
  });
  after(() => stack.disposeAsync());
  const part = <Name extends keyof typeof parts>(name: Name) => {
    const value = parts[name];
    if (value === undefined) throw new Error("the server is not started yet");
    return value;
  };
  const box: BlackBox = {
    get server() {
      return part("server");
    },
    get api() {
      return part("api");
    },
    get pulp() {
      return part("pulp");
    },
  };
  return box;
}
