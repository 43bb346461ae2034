import { ValidationError } from "#base/errors.ts";
import { token } from "../buttons.ts";
import { adminErrors } from "../errors.ts";
import { type FieldSpec, fieldSet, type Problems, problemsOf } from "../fields.ts";
import { frame } from "../frame.ts";
import { html } from "../html.ts";
import { LOG_IN, LOG_OUT, PASSWORD, SITE } from "../paths.ts";
import type { Form, OpenVisit, Page, PageAnswer, Visit } from "../visits.ts";

const logInFields = (username = ""): readonly FieldSpec[] => [
  {
    ...{ kind: "text", name: "username", label: "User name", value: username },
    ...{ isRequired: true, complete: "username" },
  },
  {
    ...{ kind: "secret", name: "password", label: "Password" },
    ...{ isRequired: true, complete: "current-password" },
  },
];

interface Wrong {
  readonly status: number;
  readonly problems: Problems;
}

function logInPage(visit: OpenVisit, form: Form, wrong?: Wrong): PageAnswer {
  const next = visit.account.localPath(form.next) ?? "";
  const body = html`<form class="narrow" method="post" action="${LOG_IN}">${token(visit)}
<input type="hidden" name="next" value="${next}">
${fieldSet(logInFields(form.username), wrong?.problems)}
<div class="actions"><button>Log in</button></div></form>`;
  return {
    kind: "page",
    status: wrong?.status ?? 200,
    html: frame(visit, { title: "Log in", body }),
  };
}

const WRONG = "The user name or the password is wrong.";

/** Whoever is logged in already has no form to fill in. */
export const logIn: Page = {
  path: LOG_IN,
  name: "pulp_mgmt_login",
  isOpen: true,
  async show(visit) {
    const to = visit.account.localPath(visit.query.next) ?? SITE;
    return visit.user ? { kind: "moved", to } : logInPage(visit, visit.query);
  },
  async send(visit, form) {
    const { username = "", password = "" } = form;
    const found = await visit.account.logIn(username, password);
    if (found.kind === "done") {
      return { kind: "moved", to: visit.account.localPath(form.next) ?? SITE };
    }
    if (found.kind === "wrong") {
      return logInPage(visit, form, { status: 403, problems: { "": [WRONG] } });
    }
    visit.call.reply.header("retry-after", String(found.seconds));
    const text = `Too many failed logins. Try again in ${found.seconds} seconds.`;
    return logInPage(visit, form, { status: 429, problems: { "": [text] } });
  },
};

/** Asks before the session ends, so that no foreign page can end it by a link. */
export const logOut: Page = {
  path: LOG_OUT,
  name: "pulp_mgmt_logout",
  isOpen: true,
  async show(visit) {
    if (!visit.user) return { kind: "moved", to: LOG_IN };
    const body = html`<form method="post" action="${LOG_OUT}">${token(visit)}
<p>You will have to log in again.</p><div class="actions"><button>Log out</button>
<a href="${SITE}">Stay</a></div></form>`;
    return { kind: "page", html: frame(visit, { title: "Log out", body }) };
  },
  async send(visit) {
    await visit.account.logOut();
    return { kind: "moved", to: LOG_IN, message: "You are logged out." };
  },
};

const secret = (name: string, label: string, complete: string): FieldSpec => ({
  ...{ kind: "secret", name, label, complete, isRequired: true },
});

const passwordFields: readonly FieldSpec[] = [
  secret("old_password", "Old password", "current-password"),
  secret("new_password1", "New password", "new-password"),
  secret("new_password2", "New password, again", "new-password"),
];

function passwordPage(visit: Visit, wrong?: Wrong): PageAnswer {
  const body = html`<form class="narrow" method="post" action="${PASSWORD}">${token(visit)}
${fieldSet(passwordFields, wrong?.problems)}
<div class="actions"><button>Change password</button></div></form>`;
  const framed = { title: "Change password", body, trail: [["Home", SITE]] as const };
  return { kind: "page", status: wrong?.status ?? 200, html: frame(visit, framed) };
}

/** The password of the one who asks; other sessions end with the old one. */
export const changePassword: Page = {
  path: PASSWORD,
  name: "pulp_mgmt_password_change",
  async show(visit) {
    // The password of somebody else is changed as that of somebody else.
    if (visit.user.actor !== undefined) throw adminErrors.forbidden();
    return passwordPage(visit);
  },
  async send(visit, { old_password = "", new_password1 = "", new_password2 = "" }) {
    if (new_password1 !== new_password2) {
      const problems = { new_password2: ["The two passwords differ."] };
      return passwordPage(visit, { status: 400, problems });
    }
    try {
      const done = await visit.account.changePassword(old_password, new_password1);
      if (done.kind === "flood") {
        visit.call.reply.header("retry-after", String(done.seconds));
        const text = `Too many attempts. Try again in ${done.seconds} seconds.`;
        return passwordPage(visit, { status: 429, problems: { "": [text] } });
      }
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      return passwordPage(visit, { status: 400, problems: problemsOf(error, passwordFields) });
    }
    await visit.desk.show("users", String(visit.user.id));
    return { kind: "moved", to: SITE, message: "Your password was changed.", isDone: true };
  },
};
