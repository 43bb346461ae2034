import { maskedValues } from "#platform/config/mask.ts";
import { nearestName } from "#platform/config/nearest.ts";
import { configure, knownSettings } from "../configure.ts";
import { appErrors } from "../errors.ts";
import { type Command, print } from "./command.ts";

export const settingsCommand: Command = {
  name: "settings",
  usage: "list | get NAME | inspect NAME  [--show-secrets]",
  summary: "Shows the settings in force, and where their values come from.",
  options: { "show-secrets": { type: "boolean" } },
  words: 2,
  async run({ rest, on }) {
    const { loaded } = configure();
    const specs = knownSettings();
    const values = on["show-secrets"] ? loaded.values : maskedValues(specs, loaded.values);
    const [action, word] = rest;
    if (action === "list" || action === undefined) {
      for (const name of Object.keys(values).sort()) print(line(name, values[name]));
      return 0;
    }
    const name = known(word, Object.keys(specs));
    if (action === "get") print(JSON.stringify(values[name]));
    else if (action === "inspect") print(inspection(name, values[name], loaded.sources.get(name)));
    else throw appErrors.usage(`settings does not know '${action}'; it knows list, get, inspect.`);
    return 0;
  },
};

const line = (name: string, value: unknown): string => `${name} = ${JSON.stringify(value)}`;

function inspection(name: string, value: unknown, sources: readonly string[] = []): string {
  const spec = knownSettings()[name];
  const history = sources.length > 0 ? sources : ["default"];
  const facts = { name, value, default: spec?.default, unit: spec?.unit, sources: history };
  return JSON.stringify({ ...facts, description: spec?.doc }, undefined, 2);
}

function known(word: string | undefined, names: readonly string[]): string {
  if (word === undefined) throw appErrors.usage("Which setting? Give its name.");
  const name = word.toUpperCase().replace(/^PULP_/, "");
  if (names.includes(name)) return name;
  const nearest = nearestName(name, names);
  throw appErrors.usage(
    `There is no setting ${name}${nearest ? `; did you mean ${nearest}?` : "."}`,
  );
}
