import type { CoreTables } from "#core/tables.ts";
import type { Database } from "#platform/db/open.ts";
import { compose } from "../composition.ts";
import { type Configuration, configure, logWarnings } from "../configure.ts";
import { appErrors } from "../errors.ts";
import { type Flags, readFlags } from "../flags.ts";
import { enabledPlugins } from "../plugins.ts";
import { connect, openRuntime, ping, type Runtime } from "../runtime.ts";

/** A sub-command of `pulpcore-manager`. */
export interface Command {
  readonly name: string;
  /** What follows the name in the usage. */
  readonly usage?: string;
  readonly summary: string;
  readonly options?: Parameters<typeof readFlags>[1];
  /** Most words besides flags; more is refused. */
  readonly words?: number;
  /** Resolves to the exit code. */
  run(flags: Flags): Promise<number>;
}

/** Writes a line of the command's answer. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Reads the flags of a command; `--noinput` and the like of the peer are taken by every command. */
export function commandFlags(command: Command, parameters: readonly string[]): Flags {
  const flags = readFlags(parameters, { ...COMMON, ...command.options });
  const extra = flags.rest[command.words ?? 0];
  if (extra !== undefined) throw appErrors.usage(`${command.name} does not take '${extra}'.`);
  return flags;
}

const COMMON = {
  noinput: { type: "boolean" },
  "no-input": { type: "boolean" },
  "no-color": { type: "boolean" },
  verbosity: { type: "string", short: "v" },
  traceback: { type: "boolean" },
} as const;

export interface OpenDatabase extends AsyncDisposable {
  readonly configuration: Configuration;
  readonly db: Database<CoreTables>["db"];
}

/**
 * Opens the database alone, whatever is migrated.
 *
 * @throws `appErrors.database`
 */
export async function openCommandDatabase(): Promise<OpenDatabase> {
  const configuration = configure();
  logWarnings(configuration);
  const { database } = connect(configuration, { role: "manager", poolSize: 2 });
  await using stack = new AsyncDisposableStack();
  stack.use(database);
  await ping(database);
  const opened = stack.move();
  return {
    configuration,
    db: database.db,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Opens everything that commands of the domain need. */
export function openCommandRuntime(configuration = configure()): Promise<Runtime> {
  const { plugins } = compose(enabledPlugins(configuration.settings.ENABLED_PLUGINS));
  return openRuntime(configuration, { plugins, role: "manager", poolSize: 2 });
}
