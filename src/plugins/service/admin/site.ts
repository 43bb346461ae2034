import type { Plugin } from "#sdk";
import { adminErrors } from "./errors.ts";
import { frame, stylePath } from "./frame.ts";
import { html } from "./html.ts";
import { models } from "./models/all.ts";
import { acquire, release } from "./pages/hijack.ts";
import { historyPage } from "./pages/history.ts";
import { index } from "./pages/index.ts";
import { listPage } from "./pages/list.ts";
import { changePassword, logIn, logOut } from "./pages/log-in.ts";
import { addPage, changePage, deletePage } from "./pages/objects.ts";
import { LOG_IN, SITE } from "./paths.ts";
import { STYLE } from "./style.ts";
import type { OpenVisit, Page } from "./visits.ts";

const pages: readonly Page[] = [
  index,
  logIn,
  logOut,
  changePassword,
  acquire,
  release,
  ...models.flatMap((model) => [
    listPage(model),
    ...(model.name === "task" ? [] : [addPage(model)]),
    changePage(model),
    deletePage(model),
    historyPage(model),
  ]),
];

/** What is nowhere, as a page too. */
const missing: Page = {
  path: `${SITE}*`,
  name: "pulp_mgmt_missing",
  isOpen: true,
  async show() {
    throw adminErrors.missing();
  },
};

const style = (path: string): Page => ({
  path,
  name: "pulp_mgmt_style",
  isOpen: true,
  show: async () => ({ kind: "asset", type: "text/css; charset=utf-8", body: STYLE }),
});

const HEADINGS: Readonly<Record<number, string>> = {
  403: "Forbidden",
  404: "Not found",
  413: "Too large",
  500: "Something went wrong",
  503: "Not available",
};

function problem(
  visit: OpenVisit,
  { status, text }: { readonly status: number; readonly text: string },
) {
  const title = HEADINGS[status] ?? "That does not work";
  const body = html`<p class="problems" role="alert">${text}</p><p><a href="${SITE}">To the start</a></p>`;
  return frame(visit, { title, body });
}

/** The administration site (service §11): pages of HTML that need no script. */
export const adminSite: NonNullable<Plugin["pages"]> = ({ STATIC_URL }) => {
  const sheet = stylePath(STATIC_URL);
  const isOurs = sheet.startsWith("/");
  return {
    logInPath: LOG_IN,
    problem,
    pages: isOurs ? [...pages, missing, style(sheet)] : [...pages, missing],
    ...(isOurs ? {} : { styleOrigin: new URL(sheet).origin }),
  };
};
