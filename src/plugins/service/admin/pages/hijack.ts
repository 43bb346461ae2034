import { adminErrors } from "../errors.ts";
import { ACQUIRE, RELEASE, SITE } from "../paths.ts";
import type { Form, Page, PageAnswer, Visit } from "../visits.ts";

/** A superuser goes on as another user (service §11); links do it too, with the token. */
export const acquire: Page = {
  path: ACQUIRE,
  name: "hijack_acquire",
  changesByLink: true,
  show: (visit) => acquired(visit, visit.query),
  send: acquired,
};

async function acquired(visit: Visit, { user_pk = "", next }: Form): Promise<PageAnswer> {
  const { user, desk, account } = visit;
  if (!user.isSuperuser) throw adminErrors.forbidden();
  const other = await desk.show("users", user_pk);
  const username = String(other.username);
  if (!(await account.actAs({ id: Number(user_pk), username }))) throw adminErrors.cannotAct();
  const message = `You act as ${username}.`;
  return { kind: "moved", to: account.localPath(next) ?? SITE, message, isDone: true };
}

/** And is himself again. */
export const release: Page = {
  path: RELEASE,
  name: "hijack_release",
  changesByLink: true,
  show: released,
  send: released,
};

async function released(visit: Visit): Promise<PageAnswer> {
  const { user, desk, account } = visit;
  if (user.actor === undefined) throw adminErrors.notActing();
  await desk.show("users", String(user.id));
  if (!(await account.release())) throw adminErrors.notActing();
  return { kind: "moved", to: SITE, message: "You are yourself again.", isDone: true };
}
