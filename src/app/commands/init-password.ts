import { readFile } from "node:fs/promises";
import { createUser, updateUser } from "#core/access/commands.ts";
import { appErrors } from "../errors.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";
import { userId } from "./user-id.ts";
import { SUPERUSER } from "./users.ts";

const FILE = "/etc/pulp/pulp-admin-password";

export const setInitPasswordCommand: Command = {
  name: "set_init_password",
  usage: "[--file FILE]",
  summary:
    "Gives the user admin a password: always that of PULP_ADMIN_PASSWORD or of the file, else that of PULP_DEFAULT_ADMIN_PASSWORD if there is no such user yet.",
  options: { file: { type: "string" } },
  async run({ text }) {
    const fixed = process.env.PULP_ADMIN_PASSWORD || (await fileContent(text.file));
    const first = process.env.PULP_DEFAULT_ADMIN_PASSWORD;
    const password = fixed || first;
    if (!password) {
      print("No password is given, so nothing is changed.");
      return 0;
    }
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    const id = await userId(ctx, "admin");
    if (id === undefined) {
      await createUser(ctx, { username: "admin", password, ...SUPERUSER });
      print('The user "admin" is made, with the given password.');
    } else if (fixed) {
      await updateUser(ctx, id, { password, ...SUPERUSER });
      print('Successfully set password for "admin" user.');
    } else {
      print('The user "admin" exists and keeps its password.');
    }
    return 0;
  },
};

/** @param given must be there; the default may be missing */
async function fileContent(given: string | undefined): Promise<string | undefined> {
  const file = given ?? FILE;
  try {
    return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && given === undefined) return undefined;
    throw appErrors.usage(`The file ${file} cannot be read: ${code ?? message}.`);
  }
}
