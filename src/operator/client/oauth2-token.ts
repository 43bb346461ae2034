import { appErrors } from "#app/errors.ts";
import type { Tool } from "../tool.ts";
import { connectionHelp, connectionOf, connectionOptions, connectionUsage } from "./connection.ts";
import { ServerClient } from "./server-client.ts";

export const oauth2Token: Tool = {
  name: "oauth2-token",
  usage: connectionUsage,
  summary: "Prints a token for the client credentials of a profile, for scripts that use curl.",
  help: connectionHelp,
  options: connectionOptions,
  async run(flags, terminal) {
    const connection = await connectionOf(flags, terminal.environment);
    await using client = new ServerClient(connection, terminal.signal);
    const token = await client.token();
    if (token === undefined) {
      throw appErrors.usage("The profile has no client_id and client_secret.");
    }
    terminal.print(token);
    return 0;
  },
};
