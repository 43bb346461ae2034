import { mayAdminister, mayEnter } from "../../access/admin-rights.ts";
import { frame } from "../frame.ts";
import { html } from "../html.ts";
import { models } from "../models/all.ts";
import { addPath, listPath, SITE } from "../paths.ts";
import type { Page } from "../visits.ts";

/** What there is for the one who asks. */
export const index: Page = {
  path: SITE,
  name: "pulp_mgmt_index",
  async show(visit) {
    const { isSuperuser } = visit.user;
    const cards = models
      .filter(({ name }) => mayEnter(name, isSuperuser))
      .map(({ name, plural, title, about }) => {
        const mayAdd = mayAdminister(name, "add", { isSuperuser, isOwner: false });
        return html`<li><h2><a href="${listPath(name)}">${plural}</a></h2><p>${about}</p>${
          mayAdd && html`<a href="${addPath(name)}">Add a ${title.toLowerCase()}</a>`
        }</li>`;
      });
    const body = html`<ul class="cards">${cards}</ul>`;
    return { kind: "page", html: frame(visit, { title: "Pulp administration", body }) };
  },
};
