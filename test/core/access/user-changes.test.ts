import assert from "node:assert/strict";
import { test } from "node:test";
import { compose } from "#app/composition.ts";
import {
  addObjectRole,
  announceUserChange,
  assignRole,
  createToken,
  createUser,
  deleteToken,
  deleteUser,
  ensureLockedRoles,
  onUserChange,
  removeObjectRole,
  revokeToken,
  unassignRole,
  updateUser,
} from "#core/access/commands.ts";
import { createContext } from "../../support/context.ts";

const ROLE = "core.task_viewer";

test("every change to who may do what is heard in other processes, once it is committed", async (t) => {
  const { plugins } = compose([]);
  const here = await createContext(t, { plugins });
  const there = await createContext(t, { plugins, beside: here });
  const { ctx } = here;
  await ensureLockedRoles(ctx);
  const eve = await createUser(ctx, { username: "eve", password: null });
  const heard: (number | undefined)[] = [];
  onUserChange(there.ctx, (subject) => heard.push(subject));
  const hears = async (subject: number | undefined, change: () => Promise<unknown> | undefined) => {
    heard.length = 0;
    await change();
    for (let turn = 0; turn < 200 && !heard.includes(subject); turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(heard.includes(subject), `${subject} in ${heard}`);
  };
  // The other process listens as soon as it hears anything.
  for (let turn = 0; turn < 200 && heard.length === 0; turn += 1) {
    announceUserChange(ctx);
    await ctx.notifier.flush();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  const object = { model: "core.task", id: "00000000-0000-7000-8000-000000000000", domain: 1 };
  const grant = { role: ROLE, users: ["eve"], groups: [] };
  const wide = { role: ROLE, subject: eve, domain: null };
  const draft = { owner: eve, scope: { permissions: ["*"] }, expires: null };
  const [one, two] = await Promise.all(
    ["one", "two"].map((name) => createToken(ctx.db, { ...draft, name })),
  );
  await hears(eve, () => addObjectRole(ctx, object, grant));
  await hears(eve, () => removeObjectRole(ctx, object, grant));
  await hears(eve, () => assignRole(ctx, wide));
  await hears(eve, () => unassignRole(ctx, wide));
  await hears(-7, () => assignRole(ctx, { ...wide, subject: -7 }));
  await hears(eve, () => revokeToken(ctx, one?.id ?? ""));
  await hears(eve, () => deleteToken(ctx, two?.id ?? ""));
  await hears(eve, () => updateUser(ctx, eve, { is_active: false }));
  await hears(eve, () => deleteUser(ctx, eve));
});
