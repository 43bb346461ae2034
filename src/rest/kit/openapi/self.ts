import { FIELD_PARAMETERS, type Operation } from "./operations.ts";
import type { Node } from "./schemas.ts";

/** Languages that old clients may ask for; every text is in English. */
const LANGUAGES = `
  af ar ar-dz ast az be bg bn br bs ca ckb cs cy da de dsb el en en-au en-gb eo es es-ar es-co
  es-mx es-ni es-ve et eu fa fi fr fy ga gd gl he hi hr hsb hu hy ia id ig io is it ja ka
  kab kk km kn ko ky lb lt lv mk ml mn mr ms my nb ne nl nn os pa pl pt pt-br ro ru sk sl sq
  sr sr-latn sv sw ta te tg th tk tr tt udm uk ur uz vi zh-hans zh-hant
`
  .trim()
  .split(/\s+/);

const lang: Node = {
  in: "query",
  name: "lang",
  schema: { type: "string", enum: LANGUAGES },
  description: "Accepted and not heeded: every text is in English.",
};

const operation = (kind: "json" | "yaml", types: readonly string[]): Operation => ({
  label: "core",
  method: "get",
  at: { on: "collection", tail: `docs/api.${kind}` },
  id: `docs_api.${kind}_get`,
  shortId: "get",
  tag: `Docs: Api.${kind === "json" ? "Json" : "Yaml"}`,
  summary: `Get this API description as ${kind.toUpperCase()}`,
  parameters: [lang, ...FIELD_PARAMETERS],
  answers: { 200: { type: "object" } },
  answerTypes: types,
  isPublic: true,
});

/** The description describes itself. */
export const selfOperations: readonly Operation[] = [
  operation("json", ["application/vnd.oai.openapi+json", "application/json"]),
  operation("yaml", ["application/vnd.oai.openapi", "application/yaml"]),
];
