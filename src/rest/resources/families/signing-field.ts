import { parsePrn } from "#base/prn.ts";
import { signingService } from "#core/signing/queries.ts";
import { parseHref } from "../../kit/address.ts";
import type { Run } from "../../kit/call.ts";
import { type Field, FieldProblem } from "../../kit/resource.ts";
import { globalHref } from "../../kit/view.ts";
import { signingServices } from "../signing-services.ts";

/**
 * A reference to a signing service of one kind, by href or PRN; the value kept is its id.
 *
 * @param kind model: `container.ManifestSigningService`.
 */
export const signingServiceField = (
  name: string,
  { kind, what }: { readonly kind: string; readonly what: string },
): Field => ({
  schema: { type: "string", format: "uri" },
  nullable: true,
  check: async (value: string | null, run: Run) => {
    if (value === null) return null;
    const id = value.startsWith("prn:") ? parsePrn(value)?.id : serviceId(value, run);
    const found = id === undefined ? undefined : await signingService(run.ctx.db, id);
    if (!found) throw new FieldProblem("Invalid hyperlink - Object does not exist.");
    if (found.kind !== kind) throw new FieldProblem(`'${found.name}' is not a ${what}.`);
    return found.id;
  },
  read: (row, view) =>
    row[name] ? globalHref(view, `${signingServices.path}/${row[name]}/`) : null,
});

function serviceId(value: string, { view }: Run): string {
  const address = parseHref(value, view);
  if (!address) throw new FieldProblem("Invalid hyperlink - No URL match.");
  if (address.resource.path !== signingServices.path)
    throw new FieldProblem("Invalid hyperlink - Incorrect URL match.");
  return address.key;
}
