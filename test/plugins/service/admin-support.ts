import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { hashPassword } from "#core/access/passwords.ts";
import { type Browser, openBrowser } from "../../support/browser.ts";
import type { TestAnswer, TestApi } from "../../support/rest-api.ts";
import { createService } from "./support.ts";

export const SITE = "/api/pulp-mgmt/";
export const PASSWORD = "a password of the tests";
export const SAML = "pulp_service.app.middleware.RHSamlAuthHeaderMiddleware";

export const createSite = (t: TestContext, more: Record<string, unknown> = {}): Promise<TestApi> =>
  createService(t, { MIDDLEWARE: [SAML], ...more });

/** Somebody before a browser. */
export interface Person {
  readonly browser: Browser;
  get(path: string): Promise<TestAnswer>;
  /** Sends a form of ours, with the token that the browser was given. */
  send(path: string, form?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  /** Follows the answer to a form: what the person sees then. */
  done(path: string, form?: Readonly<Record<string, string>>): Promise<TestAnswer>;
}

export function person(api: TestApi): Person {
  const browser = openBrowser(api);
  const at = (path: string) => (path.startsWith("/") ? path : `${SITE}${path}`);
  const get = (path: string) => browser.request("GET", at(path));
  const send = (path: string, form: Readonly<Record<string, string>> = {}) => {
    const csrfmiddlewaretoken = browser.cookies.get("csrftoken") ?? "";
    const headers = { "x-csrftoken": "" };
    return browser.request("POST", at(path), { form: { ...form, csrfmiddlewaretoken }, headers });
  };
  return {
    browser,
    get,
    send,
    async done(path, form) {
      const answer = await send(path, form);
      assert.equal(answer.status, 302, problemIn(answer));
      const next = await get(String(answer.headers.location));
      assert.equal(next.status, 200, next.text);
      return next;
    },
  };
}

/** What a page complains about. */
export const problemIn = ({ status, text }: TestAnswer): string => {
  const [shown = text] = /<(div|p)[^>]*role="alert">.*?<\/\1>/s.exec(text) ?? [];
  return `${status} ${shown.replaceAll(/<[^>]*>/g, " ")}`;
};

/** Texts of the cells of a list, row by row. */
export const rowsIn = ({ text }: TestAnswer): readonly (readonly string[])[] =>
  [...(/<tbody>(.*)<\/tbody>/s.exec(text)?.[1] ?? "").matchAll(/<tr>(.*?)<\/tr>/gs)].map(
    ([, row = ""]) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = ""]) =>
        cell.replaceAll(/<[^>]*>/g, "").trim(),
      ),
  );

export const namesIn = (answer: TestAnswer): readonly string[] =>
  rowsIn(answer).map(([name = ""]) => name);

/** A user with a cheap hash of the password; returns the id. */
export async function addUser(api: TestApi, username: string): Promise<number> {
  const password = await hashPassword(PASSWORD, { iterations: 1 });
  const { id } = await api.ctx.db
    .insertInto("app_user")
    .values({ username, password })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

export async function logIn(api: TestApi, username: string, password = PASSWORD): Promise<Person> {
  const someone = person(api);
  await someone.get("login/");
  const answer = await someone.send("login/", { username, password });
  assert.equal(answer.status, 302, problemIn(answer));
  return someone;
}

/** Makes a user and logs him in. */
export async function newPerson(api: TestApi, username: string): Promise<Person & { id: number }> {
  const id = await addUser(api, username);
  return { ...(await logIn(api, username)), id };
}

/** Tasks in the states that are given, one a day from the first of June. */
export async function addTasks(
  { ctx, domain }: TestApi,
  states: readonly string[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const [at, state] of states.entries()) {
    const id = uuid7();
    ids.push(id);
    const day = `2026-06-0${at + 1}T12:00:00.123456Z`;
    await sql`insert into task (id, seq, domain, state, name, created, started_at)
      values (${id}, ${1000 + at}, ${domain.num}, ${state}, ${`task.${state}`}, ${day}, ${day})`.execute(
      ctx.db,
    );
  }
  return ids;
}
