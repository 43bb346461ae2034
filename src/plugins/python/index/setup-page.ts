import { fieldError } from "#base/errors.ts";
import type { Call } from "#sdk";
import { indexUrl } from "./addresses.ts";
import type { IndexPlace } from "./place.ts";

/** What a client is told about an index: its address, and that of uploads. */
interface Told {
  /** With a slash at the end. */
  readonly index: string;
  /** Word for the index in files that name several. */
  readonly name: string;
}

const CLIENTS: Readonly<Record<string, (told: Told) => string>> = {
  pip: ({ index }) => `# pip.conf
[global]
index-url = ${index}simple/
`,
  uv: ({ index, name }) => `# uv.toml
[[index]]
name = "${name}"
url = "${index}simple/"
publish-url = "${index}legacy/"
default = true
`,
  twine: ({ index, name }) => `# .pypirc
[distutils]
index-servers =
    ${name}

[${name}]
repository = ${index}legacy/
username = __token__
`,
  poetry: ({ index, name }) => `poetry source add --priority=primary ${name} ${index}simple/
poetry config repositories.${name} ${index}legacy/
poetry config http-basic.${name} __token__
poetry publish --repository ${name}
`,
};

/** `setup/?client=pip`: configuration of a client, ready to be copied. Ours alone. */
export async function sendSetup(call: Call, { basePath }: IndexPlace): Promise<undefined> {
  const { ctx, caller, query, reply } = call;
  const client = query.get("client") ?? "pip";
  const render = Object.hasOwn(CLIENTS, client) ? CLIENTS[client] : undefined;
  if (!render) {
    const names = Object.keys(CLIENTS).join(", ");
    throw fieldError("client", `"${client}" is not a valid choice; it is one of ${names}.`);
  }
  const index = indexUrl({ ctx, domain: caller.domain.name, basePath });
  const name = basePath.replaceAll(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "") || "index";
  const text = render({ index, name });
  reply.code(200).header("content-type", "text/plain; charset=utf-8").send(Buffer.from(text));
  return undefined;
}
