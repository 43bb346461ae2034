import { type Html, html } from "./html.ts";
import type { OpenVisit } from "./visits.ts";

/** What every form of ours carries, so that no foreign page can send it. */
export const token = (visit: OpenVisit): Html =>
  html`<input type="hidden" name="csrfmiddlewaretoken" value="${visit.token()}">`;

export interface Button {
  readonly text: string;
  /** What it is for, where the text alone does not say it to whoever only hears it. */
  readonly label?: string;
  readonly fields?: Readonly<Record<string, string | number>>;
}

/** A form that is nothing but a button. */
export const button = (
  visit: OpenVisit,
  path: string,
  { text, label, fields = {} }: Button,
): Html =>
  html`<form class="single" method="post" action="${path}">${token(visit)}${Object.entries(
    fields,
  ).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}<button class="quiet"${label !== undefined && html` aria-label="${label}"`}>${text}</button></form>`;
