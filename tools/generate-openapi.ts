/**
 * Writes `openapi/deckle.json`, the API description as the server answers it at `docs/api.json`.
 *
 *   node tools/generate-openapi.ts [--check]
 */
import { keepFile } from "./keep-file.ts";
import { ownDescription } from "./own-description.ts";

const document = ownDescription({ domainEnabled: false });
await keepFile("openapi/deckle.json", `${JSON.stringify(document, null, 1)}\n`);
