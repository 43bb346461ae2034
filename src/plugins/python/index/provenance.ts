import type { Call } from "#sdk";
import { normalizeName } from "../format/names.ts";
import { type IndexView, requireContent, viewOf } from "./index-pages.ts";
import type { IndexPlace } from "./place.ts";
import { shelfProvenance } from "./shelf-members.ts";
import { sendMissing } from "./simple.ts";

const VENDOR_TYPE = "application/vnd.pypi.integrity.v1+json";

/** A file as the address of its provenance names it. */
interface NamedFile {
  readonly package: string;
  readonly version: string;
  readonly filename: string;
}

function provenanceOf({ ctx, domain, place }: IndexView, file: NamedFile) {
  const { package: spelling, version, filename } = file;
  const versions = (place.parts ?? [place]).map((one) => one.version);
  const name = normalizeName(spelling);
  return shelfProvenance(ctx, { domain: domain.num, versions }, { name, version, filename });
}

/** `integrity/<project>/<version>/<file>/provenance/`: who made a file. @see PEP 740 */
export async function sendProvenance(
  call: Call,
  place: IndexPlace,
  file: NamedFile,
): Promise<undefined> {
  const { request, reply } = call;
  requireContent(place);
  const provenance = await provenanceOf(viewOf(call, place), file);
  if (provenance === undefined) {
    const { package: project, version, filename } = file;
    return sendMissing(call, `${project} ${version} ${filename} provenance does not exist.`);
  }
  const isAsked = request.headers.accept?.includes(VENDOR_TYPE) === true;
  reply
    .code(200)
    .headers({ "content-type": isAsked ? VENDOR_TYPE : "application/json", vary: "Accept" })
    .send(Buffer.from(provenance));
  return undefined;
}
