import { CodedError, ValidationError } from "#base/errors.ts";
import { mayAdminister } from "../../access/admin-rights.ts";
import { token } from "../buttons.ts";
import { adminErrors } from "../errors.ts";
import { type FieldSpec, fieldSet, type Problems, problemsOf, retyped } from "../fields.ts";
import { frame } from "../frame.ts";
import { html } from "../html.ts";
import type { Found, Model } from "../models/model.ts";
import { addPath, listPath, objectPath, pageName, SITE } from "../paths.ts";
import type { Form, Page, PageAnswer, Visit } from "../visits.ts";
import { outcomeText } from "./outcome.ts";

/** The object that an address names. @throws `adminErrors.missing` (404) */
export async function foundAt(model: Model, visit: Visit): Promise<Found> {
  const { key = "" } = visit.call.request.params as { readonly key?: string };
  const found = await model.find(visit, key);
  if (!found) throw adminErrors.missing();
  return found;
}

/** The way to the pages of an object. */
export const trailTo = (model: Model, found?: Found): readonly (readonly [string, string])[] => [
  ["Home", SITE],
  [model.plural, listPath(model.name)],
  ...(found ? [[found.title, objectPath(model.name, found.key, "change")] as const] : []),
];

const lower = ({ title }: Model): string => title.toLowerCase();

/** The form for a new object. */
export const addPage = (model: Model): Page => {
  const path = addPath(model.name);
  const page = async (visit: Visit, typed?: Typed): Promise<PageAnswer> => {
    refuseUnless(mayAdminister(model.name, "add", asked(visit)));
    return formPage(visit, { model, path, fields: await model.form(visit) }, typed);
  };
  return {
    path,
    name: pageName(model.name, "add"),
    show: (visit) => page(visit),
    async send(visit, form) {
      refuseUnless(mayAdminister(model.name, "add", asked(visit)));
      return saved(
        async () => {
          const { title } = await model.save(visit, form);
          const message = `The ${lower(model)} “${title}” was added.`;
          return { kind: "moved", to: listPath(model.name), message, isDone: true };
        },
        (error) => page(visit, { form, error }),
      );
    },
  };
};

const asked = ({ user }: Visit) => ({ isSuperuser: user.isSuperuser, isOwner: false });

function refuseUnless(mayGo: boolean): void {
  if (!mayGo) throw adminErrors.forbidden();
}

/** The form of an object; without the right to change it, it only shows. */
export const changePage = (model: Model): Page => {
  const page = async (visit: Visit, found: Found, typed?: Typed): Promise<PageAnswer> => {
    const path = objectPath(model.name, found.key, "change");
    return formPage(visit, { model, path, found, fields: await model.form(visit, found) }, typed);
  };
  return {
    path: `${listPath(model.name)}:key/change/`,
    name: pageName(model.name, "change"),
    show: async (visit) => page(visit, await foundAt(model, visit)),
    async send(visit, form) {
      const found = await foundAt(model, visit);
      refuseUnless(found.mayChange);
      return saved(
        async () => {
          const { title, outcome } = await model.save(visit, form, found);
          const what = `the ${lower(model)} “${title}”`;
          const message = await outcomeText(visit, { what, done: "was changed", outcome });
          // Whoever has given an object away could not go back to it.
          return { kind: "moved", to: listPath(model.name), message, isDone: true };
        },
        (error) => page(visit, found, { form, error }),
      );
    },
  };
};

/** What somebody typed, and what is wrong with it. */
interface Typed {
  readonly form: Form;
  readonly error: ValidationError;
}

async function saved(
  work: () => Promise<PageAnswer>,
  again: (error: ValidationError) => Promise<PageAnswer>,
): Promise<PageAnswer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ValidationError) return again(error);
    throw error;
  }
}

interface FormPage {
  readonly model: Model;
  readonly path: string;
  readonly found?: Found;
  readonly fields: readonly FieldSpec[];
}

async function formPage(
  visit: Visit,
  { model, path, found, fields }: FormPage,
  typed?: Typed,
): Promise<PageAnswer> {
  const mayChange = found === undefined || found.mayChange;
  const problems: Problems | undefined = typed && problemsOf(typed.error, fields);
  const shown = fieldSet(typed ? retyped(fields, typed.form) : fields, problems);
  const links = found && linksOf(model, found);
  const body = mayChange
    ? html`<form method="post" action="${path}">${token(visit)}${shown}
<div class="actions"><button>Save</button>${links}</div></form>`
    : html`${shown}<div class="actions">${links}</div>`;
  const more = found && !typed && (await model.more?.(visit, found));
  const framed = {
    title: found?.title ?? `Add a ${lower(model)}`,
    body: html`${body}${more}`,
    section: listPath(model.name),
    trail: trailTo(model),
  };
  return { kind: "page", status: typed ? 400 : 200, html: frame(visit, framed) };
}

const linksOf = ({ name }: Model, { key, mayDelete }: Found) =>
  html`<a href="${objectPath(
    name,
    key,
    "history",
  )}">History</a>${mayDelete && html`<a href="${objectPath(name, key, "delete")}">Delete</a>`}`;

/** Asks once more before an object goes. */
export const deletePage = (model: Model): Page => {
  const page = (visit: Visit, found: Found, problem?: string): PageAnswer => {
    const { title, key } = found;
    const body = html`${problem !== undefined && html`<p class="problems" role="alert">${problem}</p>`}
<form method="post" action="${objectPath(model.name, key, "delete")}">${token(visit)}
<p>The ${lower(model)} “${title}” will be gone, and what hangs on it. This cannot be undone.</p>
<div class="actions"><button class="danger">Delete</button>
<a href="${objectPath(model.name, key, "change")}">Keep it</a></div></form>`;
    const framed = {
      title: "Delete",
      body,
      section: listPath(model.name),
      trail: trailTo(model, found),
    };
    return { kind: "page", status: problem === undefined ? 200 : 400, html: frame(visit, framed) };
  };
  const removable = async (visit: Visit): Promise<Found> => {
    const found = await foundAt(model, visit);
    refuseUnless(found.mayDelete);
    return found;
  };
  return {
    path: `${listPath(model.name)}:key/delete/`,
    name: pageName(model.name, "delete"),
    show: async (visit) => page(visit, await removable(visit)),
    async send(visit) {
      const found = await removable(visit);
      try {
        const outcome = await model.remove(visit, found);
        const what = `the ${lower(model)} “${found.title}”`;
        const message = await outcomeText(visit, { what, done: "was deleted", outcome });
        return { kind: "moved", to: listPath(model.name), message, isDone: true };
      } catch (error) {
        const problem = refusalOf(error);
        if (problem === undefined) throw error;
        return page(visit, found, problem);
      }
    },
  };
};

/** What an administrator can do something about. */
function refusalOf(error: unknown): string | undefined {
  if (error instanceof ValidationError)
    return Object.values(problemsOf(error, [])).flat().join(" ");
  return error instanceof CodedError && error.status < 500 ? error.message : undefined;
}
