import { createHash } from "node:crypto";
import { mayEnter } from "../access/admin-rights.ts";
import { button } from "./buttons.ts";
import { type Content, type Html, html } from "./html.ts";
import { models } from "./models/all.ts";
import { LOG_OUT, listPath, PASSWORD, RELEASE, SITE } from "./paths.ts";
import { STYLE } from "./style.ts";
import type { OpenVisit } from "./visits.ts";

const TITLE = "Pulp administration";

/** Address of the style sheet below the setting `STATIC_URL`: a path, unless that is elsewhere. */
export function stylePath(staticUrl: string): string {
  const base = staticUrl.replace(/\/+$/, "");
  const isElsewhere = /^https?:\/\//.test(base);
  return `${isElsewhere ? base : base.replace(/^\/*/, "/").replace(/^\/$/, "")}/service/admin.css`;
}

/** Browsers keep the sheet, so its address changes with it. */
const VERSION = createHash("sha256").update(STYLE).digest("hex").slice(0, 12);

export interface Framed {
  /** Of the window, and of the heading of the page. */
  readonly title: string;
  readonly body: Html;
  /** Where the page stands: texts and paths from the outside in, without the page itself. */
  readonly trail?: readonly (readonly [text: string, path: string])[];
  /** Path of the list that the page belongs to. */
  readonly section?: string;
}

/** A whole document: landmarks, navigation, who is here, and what the last page had to say. */
export const frame = (visit: OpenVisit, { title, body, trail = [], section }: Framed): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title === TITLE ? TITLE : `${title} | ${TITLE}`}</title>
<link rel="stylesheet" href="${stylePath(visit.call.ctx.settings.STATIC_URL)}?v=${VERSION}">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
${header(visit, section)}
${banner(visit)}
<main id="main">
${trail.length > 0 && trailOf(trail, title)}
<h1>${title}</h1>
${messageOf(visit)}
${body}
</main>
</body>
</html>
`.text;

function header(visit: OpenVisit, section?: string): Html {
  const { user } = visit;
  if (!user) return html`<header class="top"><a class="brand" href="${SITE}">${TITLE}</a></header>`;
  const shown = models.filter(({ name }) => mayEnter(name, user.isSuperuser));
  const links = shown.map(({ name, plural }) => {
    const path = listPath(name);
    const current = path === section && html` aria-current="true"`;
    return html`<li><a href="${path}"${current}>${plural}</a></li>`;
  });
  return html`<header class="top"><a class="brand" href="${SITE}">${TITLE}</a>
<nav aria-label="Models"><ul>${links}</ul></nav>
<div class="who"><span>Logged in as <strong>${user.username}</strong></span>
${user.actor === undefined && html`<a href="${PASSWORD}">Change password</a>`}
${button(visit, LOG_OUT, { text: "Log out" })}</div></header>`;
}

/** Nobody forgets that he acts as somebody else. */
function banner(visit: OpenVisit): Html | false {
  const { user } = visit;
  if (user?.actor === undefined) return false;
  return html`<aside class="acting" aria-label="Acting as another user"><p>You are
<strong>${user.actor}</strong> and act as <strong>${user.username}</strong>.</p>
${button(visit, RELEASE, { text: "Be yourself again" })}</aside>`;
}

const messageOf = (visit: OpenVisit): Content => {
  const text = visit.message();
  return text !== undefined && html`<p class="message" role="status">${text}</p>`;
};

const trailOf = (trail: NonNullable<Framed["trail"]>, title: string): Html =>
  html`<nav class="trail" aria-label="Breadcrumb"><ol>${trail.map(
    ([text, path]) => html`<li><a href="${path}">${text}</a></li>`,
  )}<li aria-current="page">${title}</li></ol></nav>`;
