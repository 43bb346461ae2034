import type { Call, Ctx } from "#sdk";
import { normalizeName } from "../format/names.ts";
import { membersAt } from "./index-pages.ts";
import { isMember, type Members, membersOf } from "./members.ts";
import type { IndexPlace } from "./place.ts";
import { sendMissing } from "./simple.ts";

const VENDOR_TYPE = "application/vnd.pypi.integrity.v1+json";

const PROVENANCE = {
  name: "python-index-provenance",
  text: `
select v.provenance::text as provenance
from python_package p
join membership m on ${isMember("m", "p.id")}
join python_provenance v on v.domain = p.domain and v.package = p.id
join membership mv on ${isMember("mv", "v.id")}
where p.domain = (select $1::int) and p.name_normalized = (select $4::text)
  and p.version = (select $5::text) and p.filename = (select $6::text)
limit 1`,
};

/** A file as the address of its provenance names it. */
interface NamedFile {
  readonly package: string;
  readonly version: string;
  readonly filename: string;
}

async function provenanceOf({ hot }: Ctx, members: Members, file: NamedFile) {
  const name = normalizeName(file.package);
  const values = [...membersOf(members), name, file.version, file.filename];
  const [row] = await hot.query<{ provenance: string }>(PROVENANCE, values);
  return row?.provenance;
}

/** `integrity/<project>/<version>/<file>/provenance/`: who made a file. @see PEP 740 */
export async function sendProvenance(
  call: Call,
  place: IndexPlace,
  file: NamedFile,
): Promise<undefined> {
  const { ctx, request, reply } = call;
  const provenance = await provenanceOf(ctx, membersAt(place), file);
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
