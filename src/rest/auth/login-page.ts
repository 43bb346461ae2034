const escapeHtml = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");

/** What the form carries besides what the person types. */
export interface LoginForm {
  readonly token: string;
  /** Where it leads to; a path of ours, or empty. */
  readonly next: string;
  readonly name?: string;
  readonly problem?: string;
}

/** The form of the browser log-in: no script, nothing from elsewhere. */
export const loginPage = ({ token, next, name = "", problem }: LoginForm): string =>
  page(
    "Log in",
    `${problem === undefined ? "" : `<p role="alert">${escapeHtml(problem)}</p>`}
<form method="post">${hidden("csrfmiddlewaretoken", token)}${hidden("next", next)}
<label>User name <input name="username" value="${escapeHtml(name)}" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form>`,
  );

/** Asks before the session ends, so that no foreign page can end it by a link. */
export const logoutPage = (token: string): string =>
  page(
    "Log out",
    `<form method="post">${hidden("csrfmiddlewaretoken", token)}<button>Log out</button></form>`,
  );

export const messagePage = (title: string, text: string): string =>
  page(title, `<p>${escapeHtml(text)}</p>`);

const hidden = (name: string, value: string): string =>
  `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`;

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:24em;margin:4em auto;padding:0 1em}
label{display:block;margin:.8em 0}input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.3em}
button{font:inherit;padding:.3em 1em}</style>
<h1>${title}</h1>
${body}</html>
`;
