import type { Import } from "./sources.ts";

/** Who may import whom, among the folders of src. */
const MATRIX: Readonly<Record<string, readonly string[]>> = {
  base: ["base"],
  platform: ["base", "platform"],
  core: ["base", "platform", "core"],
  rest: ["base", "platform", "core", "rest"],
  delivery: ["base", "platform", "core", "delivery"],
  worker: ["base", "platform", "core", "worker"],
  sdk: ["base", "core", "rest", "delivery", "sdk"],
  plugins: ["base", "sdk", "plugins"],
  app: ["base", "platform", "core", "rest", "delivery", "worker", "sdk", "plugins", "app"],
  operator: ["base", "platform", "app", "operator"],
  bin: ["app", "operator", "bin"],
};

/** Layers that know the interfaces of platform, whose instances arrive in `ctx`. */
const TYPES_OF_PLATFORM = new Set(["core", "rest", "delivery", "worker"]);

/** What one noun of the core shows to the others. */
const NOUN_DOOR = /(?:^|-)(?:queries|commands|types)\.ts$/;

/** Why a module may not import another; undefined when it may. */
export function violation(from: string, { target, typeOnly }: Import): string | undefined {
  if (target === undefined || !from.startsWith("src/")) return undefined;
  const [, layer = "", ...inside] = from.split("/");
  const [top, targetLayer = "", ...targetInside] = target.split("/");
  if (top !== "src") return `src never imports ${top}`;
  if (!(MATRIX[layer] ?? []).includes(targetLayer)) return `${layer} may not import ${targetLayer}`;
  if (TYPES_OF_PLATFORM.has(layer) && targetLayer === "platform" && !typeOnly && !isTest(from)) {
    return `${layer} takes types of platform only; instances come in ctx`;
  }
  if (layer === "plugins" && targetLayer === "plugins" && inside[0] !== targetInside[0]) {
    return "a plugin never imports another";
  }
  if (layer === "core" && targetLayer === "core") {
    return nounViolation(inside, targetInside, typeOnly);
  }
  return undefined;
}

const isTest = (path: string): boolean => path.endsWith(".test.ts");

function nounViolation(
  inside: readonly string[],
  target: readonly string[],
  typeOnly: boolean,
): string | undefined {
  const [noun, ...file] = target;
  const isNoun = target.length > 1 && inside.length > 1 && noun !== inside[0];
  const name = file.at(-1) ?? "";
  if (!isNoun || NOUN_DOOR.test(name) || (typeOnly && name === "table.ts")) return undefined;
  return `${inside[0]} sees ${noun} through queries.ts, commands.ts and types.ts only`;
}
