import type { Plugin } from "#sdk";

export type PageSite = ReturnType<NonNullable<Plugin["pages"]>>;
export type Page = PageSite["pages"][number];
type OpenPage = Extract<Page, { readonly isOpen: true }>;
type ClosedPage = Exclude<Page, OpenPage>;

/** A request to a page by somebody who is logged in. */
export type Visit = Parameters<NonNullable<ClosedPage["show"]>>[0];
/** By anybody. */
export type OpenVisit = Parameters<NonNullable<OpenPage["show"]>>[0];
/** Texts of a form by name. */
export type Form = Parameters<NonNullable<ClosedPage["send"]>>[1];
export type PageAnswer = Awaited<ReturnType<NonNullable<ClosedPage["show"]>>>;
/** What became of a change. */
export type Outcome = Awaited<ReturnType<Visit["desk"]["change"]>>;
