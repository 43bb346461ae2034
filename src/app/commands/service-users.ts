import { createUser, updateUser } from "#core/access/commands.ts";
import { appErrors } from "../errors.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";
import { told } from "./told.ts";
import { userId } from "./user-id.ts";

/** The user of the service that mirrors for tenants; its name is part of the contract. */
const CONTENT_SOURCES = "contentsources";

export const createContentSourcesUserCommand: Command = {
  name: "create-contentsources-user",
  summary: `Makes the user ${CONTENT_SOURCES}, or sets its password; CONTENT_SOURCES_PASSWORD is the password.`,
  async run() {
    const password = process.env.CONTENT_SOURCES_PASSWORD;
    if (!password) throw appErrors.usage("CONTENT_SOURCES_PASSWORD is not set.");
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    const id = await userId(ctx, CONTENT_SOURCES);
    const values = { password, is_superuser: false, is_staff: false, is_active: true };
    if (id === undefined) await told(createUser(ctx, { username: CONTENT_SOURCES, ...values }));
    else await told(updateUser(ctx, id, values));
    print(`${id === undefined ? "Made" : "Set the password of"} the user ${CONTENT_SOURCES}.`);
    return 0;
  },
};

export const addAdminUsersCommand: Command = {
  name: "add-new-pulp-admin-users-3",
  summary: "Makes everybody whom ADMIN_USERS names a superuser, new ones without a password.",
  async run() {
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    const rights = { is_superuser: true, is_staff: true, is_active: true };
    for (const username of new Set(runtime.settings.ADMIN_USERS)) {
      const id = await userId(ctx, username);
      if (id === undefined) await told(createUser(ctx, { username, password: null, ...rights }));
      else await told(updateUser(ctx, id, rights));
      print(`The user ${username} is a superuser${id === undefined ? ", and new" : ""}.`);
    }
    if (runtime.settings.ADMIN_USERS.length === 0) print("ADMIN_USERS names nobody.");
    return 0;
  },
};
