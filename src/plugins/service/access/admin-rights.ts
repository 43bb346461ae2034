/** Models of the administration site, as its addresses call them. */
export type AdminModel = "domainorg" | "group" | "domain" | "user" | "task";
export type AdminVerb = "view" | "change" | "add" | "delete";

type Who = "nobody" | "superusers" | "owners" | "everybody";

/**
 * Who may do what on the site (service §11). Owners are those whose object it is, as the list of the
 * model has it; superusers count as owners of everything.
 */
const RIGHTS: Readonly<Record<AdminModel, Readonly<Record<AdminVerb, Who>>>> = {
  domainorg: { view: "owners", change: "owners", add: "superusers", delete: "owners" },
  group: { view: "owners", change: "owners", add: "everybody", delete: "owners" },
  domain: { view: "owners", change: "owners", add: "superusers", delete: "superusers" },
  // Staff would need a right over users, and there is none that a role could give.
  user: { view: "superusers", change: "superusers", add: "superusers", delete: "superusers" },
  task: { view: "superusers", change: "superusers", add: "nobody", delete: "superusers" },
};

/** Somebody who is logged in and active, and whether the object is his. */
export interface AdminCase {
  readonly isSuperuser: boolean;
  readonly isOwner: boolean;
}

/** Whether somebody may do something to an object of a model, or add one; the one place that says so. */
export function mayAdminister(
  model: AdminModel,
  verb: AdminVerb,
  { isSuperuser, isOwner }: AdminCase,
): boolean {
  const who = RIGHTS[model][verb];
  switch (who) {
    case "everybody":
      return true;
    case "owners":
      return isSuperuser || isOwner;
    case "superusers":
      return isSuperuser;
    case "nobody":
      return false;
    default:
      return who satisfies never;
  }
}

/** Whether somebody may see a list of the model at all: it holds what is his. */
export const mayEnter = (model: AdminModel, isSuperuser: boolean): boolean =>
  mayAdminister(model, "view", { isSuperuser, isOwner: true });
