import { checkPassword, createUser, updateUser } from "#core/access/commands.ts";
import { randomText } from "#core/access/passwords.ts";
import { appErrors } from "../errors.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";
import { ask, askPassword } from "./prompt.ts";
import { told } from "./told.ts";
import { userId } from "./user-id.ts";

export const resetAdminPasswordCommand: Command = {
  name: "reset-admin-password",
  usage: "[--random | --password PASSWORD]",
  summary:
    "Sets the password of the user admin, and makes that user if needed; PULP_ADMIN_PASSWORD is the password without questions.",
  options: {
    random: { type: "boolean" },
    password: { type: "string", short: "p" },
  },
  async run({ on, text }) {
    if (on.random && text.password !== undefined) {
      throw appErrors.usage("--random and --password exclude each other.");
    }
    await using runtime = await openCommandRuntime();
    const given = text.password ?? process.env.PULP_ADMIN_PASSWORD;
    const password = on.random ? randomText(20) : (given ?? (await askPassword("admin")));
    if (password.length < 1) {
      throw appErrors.usage("The password must be at least 1 character long.");
    }
    const ctx = runtime.createCtx("api");
    const id = await userId(ctx, "admin");
    if (id === undefined) await createUser(ctx, { username: "admin", password, ...SUPERUSER });
    else await updateUser(ctx, id, { password, ...SUPERUSER });
    print(
      on.random
        ? `Successfully set "admin" user's password to "${password}".`
        : 'Successfully set password for "admin" user.',
    );
    return 0;
  },
};

/** What an administrator is. */
export const SUPERUSER = { is_superuser: true, is_staff: true, is_active: true } as const;

export const createSuperuserCommand: Command = {
  name: "createsuperuser",
  usage: "[--username NAME] [--email ADDRESS] [--noinput]",
  summary: "Makes a superuser; DJANGO_SUPERUSER_PASSWORD is the password without questions.",
  options: { username: { type: "string" }, email: { type: "string" } },
  async run({ on, text }) {
    const isSilent = on.noinput === true || on["no-input"] === true;
    const given = process.env;
    const username =
      text.username || given.DJANGO_SUPERUSER_USERNAME || (await answer("Username: ", isSilent));
    const email = text.email || given.DJANGO_SUPERUSER_EMAIL || "";
    await using runtime = await openCommandRuntime();
    const password = given.DJANGO_SUPERUSER_PASSWORD || (await passwordFor(username, isSilent));
    const values = { username, email, password, ...SUPERUSER };
    await told(createUser(runtime.createCtx("api"), values));
    print("Superuser created successfully.");
    return 0;
  },
};

export const changePasswordCommand: Command = {
  name: "changepassword",
  usage: "[NAME]",
  summary: "Changes the password of a user.",
  words: 1,
  async run({ rest: [username = "admin"] }) {
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    const id = await userId(ctx, username);
    if (id === undefined) throw appErrors.usage(`user '${username}' does not exist`);
    print(`Changing password for user '${username}'`);
    const password = await askPassword(username);
    await told(Promise.resolve().then(() => checkPassword(password)));
    await updateUser(ctx, id, { password });
    print(`Password changed successfully for user '${username}'`);
    return 0;
  },
};

const answer = (question: string, isSilent: boolean): Promise<string> => {
  if (isSilent) throw appErrors.usage("You must use --username with --noinput.");
  return ask(question);
};

const passwordFor = (username: string, isSilent: boolean): Promise<string | null> =>
  isSilent ? Promise.resolve(null) : askPassword(username);
