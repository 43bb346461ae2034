import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { SignerKind } from "#core/plugin-contract.ts";
import { addSigningService, makeOwnKey, removeSigningService } from "#core/signing/commands.ts";
import { appErrors } from "../errors.ts";
import { enabledPlugins } from "../plugins.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";
import { isSignedWith, publicKey } from "./gpg.ts";
import { told } from "./told.ts";

const options = {
  class: { type: "string" },
  gnupghome: { type: "string" },
  "own-key": { type: "string" },
} as const;

/** `Name <address>`, in the characters of names of keys everywhere. */
const USER_ID = /^[^\p{Cc}<>]{1,200}(?: <[^\s\p{Cc}<>]{1,200}>)?$/u;

/** `container:ManifestSigningService` → what the plugin says of it. */
function kindOf(name: string | undefined): SignerKind {
  const kinds = enabledPlugins(null).flatMap(({ signers = [] }) => signers);
  const found = kinds.find(({ model }) => model.replace(".", ":") === name);
  if (found) return found;
  const known = kinds.map(({ model }) => model.replace(".", ":")).join(", ");
  throw appErrors.usage(`Which kind of service? Give --class, one of ${known}.`);
}

export const addSigningServiceCommand: Command = {
  name: "add-signing-service",
  usage: "NAME {SCRIPT KEY [--gnupghome FOLDER] | --own-key USER_ID} --class COMPONENT:KIND",
  summary:
    "Makes a program known that signs with a key, after it has signed a sample; or makes a key that the server keeps.",
  options,
  words: 3,
  async run({ text, rest: [name = "", script = "", key = ""] }) {
    const kind = kindOf(text.class);
    const userId = text["own-key"];
    if (userId !== undefined) {
      if (name === "" || script !== "") throw appErrors.usage("Give a name, and no script.");
      return addOwn(kind, { name, userId });
    }
    if (name === "" || key === "") throw appErrors.usage("Give a name, a script and a key.");
    const service = await provenService({ name, script, key }, text);
    await using runtime = await openCommandRuntime();
    await told(addSigningService(runtime.createCtx("api").db, service));
    print(`Successfully added signing service ${name} for key ${service.fingerprint}.`);
    return 0;
  },
};

/** A service that needs no program; its public key is what clients are given. */
async function addOwn(
  kind: SignerKind,
  { name, userId }: { readonly name: string; readonly userId: string },
): Promise<number> {
  if (!kind.mayKeepKeys) throw appErrors.usage("Services of this kind sign by a program.");
  if (!USER_ID.test(userId))
    throw appErrors.usage("--own-key is a name, such as 'Release <release@example.org>'.");
  await using runtime = await openCommandRuntime();
  const ctx = runtime.createCtx("api");
  const key = await makeOwnKey(ctx, userId);
  await told(addSigningService(ctx.db, { name, kind: kind.model, script: "", ...key }));
  print(`Successfully added signing service ${name} for key ${key.fingerprint}.`);
  print(key.public_key);
  return 0;
}

export const addKeyOfEnvironmentCommand: Command = {
  name: "add_signing_service",
  usage: "NAME SCRIPT --class COMPONENT:KIND [--gnupghome FOLDER]",
  summary:
    "The same for the key of PULP_SIGNING_KEY_FINGERPRINT; one that is there already is left alone.",
  options,
  words: 2,
  async run({ text, rest: [name = "", script = ""] }) {
    const key = process.env.PULP_SIGNING_KEY_FINGERPRINT;
    if (!key) throw appErrors.usage("Which key? Set PULP_SIGNING_KEY_FINGERPRINT.");
    if (name === "" || script === "") throw appErrors.usage("Give a name and a script.");
    const service = await provenService({ name, script, key }, text);
    await using runtime = await openCommandRuntime();
    const { db } = runtime.createCtx("api");
    const known = await db
      .selectFrom("signing_service")
      .select(["fingerprint", "script"])
      .where("name", "=", name)
      .where("kind", "=", service.kind)
      .executeTakeFirst();
    if (known?.fingerprint === service.fingerprint && known.script === script) {
      print(`The signing service ${name} for key ${service.fingerprint} is there already.`);
      return 0;
    }
    await told(addSigningService(db, service));
    print(`Successfully added signing service ${name} for key ${service.fingerprint}.`);
    return 0;
  },
};

/** @throws `appErrors.usage` unless the script signs a sample with the key */
async function provenService(
  { name, script, key }: { readonly name: string; readonly script: string; readonly key: string },
  flags: Readonly<Record<string, string | undefined>>,
) {
  if (!isAbsolute(script)) throw appErrors.usage("Workers need the absolute path of the script.");
  const kind = kindOf(flags.class);
  const found = await publicKey(key, flags.gnupghome);
  const { fingerprint, text: armoured } = found;
  const service = { name, kind: kind.model, script, fingerprint, public_key: armoured };
  const folder = await mkdtemp(join(tmpdir(), "deckle-signer-"));
  try {
    const signal = new AbortController().signal;
    const signature = await told(kind.signSample(service, { folder, signal }));
    if (!(await isSignedWith(found, signature)))
      throw appErrors.usage("The sample is not signed with this key.");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return service;
}

export const removeSigningServiceCommand: Command = {
  name: "remove-signing-service",
  usage: "NAME --class COMPONENT:KIND",
  summary: "Forgets a signing service; what it signed stays.",
  options,
  words: 1,
  async run({ text, rest: [name = ""] }) {
    const { model: kind } = kindOf(text.class);
    await using runtime = await openCommandRuntime();
    await told(removeSigningService(runtime.createCtx("api").db, { name, kind }));
    print(`Successfully removed signing service ${name}.`);
    return 0;
  },
};
