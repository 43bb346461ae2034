import { stringify } from "smol-toml";
import { configure } from "../configure.ts";
import { type Command, print } from "./command.ts";

export const convertSettingsCommand: Command = {
  name: "convert-settings",
  summary:
    "Writes the settings of PULP_SETTINGS and the variables as one TOML file, secrets included.",
  async run() {
    const { loaded } = configure();
    const given = [...loaded.sources.keys()].sort();
    const values = given.map((name) => [name, withoutNulls(loaded.values[name])] as const);
    const known = values.filter(([, value]) => value !== undefined);
    print(stringify(Object.fromEntries(known)).trimEnd());
    return 0;
  },
};

/** TOML has no null: the cast of variables says it. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return "@none";
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object") return value;
  const entries = Object.entries(value ?? {}).map(([name, item]) => [name, withoutNulls(item)]);
  return Object.fromEntries(entries);
}
