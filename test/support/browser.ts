import type { TestAnswer, TestApi } from "./rest-api.ts";

/** A browser's view of the API: cookies are kept and sent, and nothing else says who it is. */
export interface Browser {
  readonly cookies: Map<string, string>;
  /** Sends the cookies, and for changes the token, as a page of ours would. */
  request(
    method: string,
    path: string,
    options?: {
      readonly json?: unknown;
      readonly form?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
    },
  ): Promise<TestAnswer>;
}

export const setCookies = ({ headers }: TestAnswer): readonly string[] =>
  [headers["set-cookie"] ?? []].flat().map(String);

export function openBrowser(api: TestApi): Browser {
  const cookies = new Map<string, string>();
  return {
    cookies,
    async request(method, path, { json, form, headers = {} } = {}) {
      const answer = await api.request(method, path, {
        user: null,
        ...(json === undefined ? {} : { json }),
        ...(form ? { payload: new URLSearchParams(form).toString() } : {}),
        headers: { ...ownHeaders(cookies, method), ...(form ? FORM : {}), ...headers },
      });
      for (const line of setCookies(answer)) keep(cookies, line);
      return answer;
    },
  };
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };

function ownHeaders(cookies: ReadonlyMap<string, string>, method: string): Record<string, string> {
  const token = cookies.get("csrftoken");
  const isSafe = ["GET", "HEAD", "OPTIONS"].includes(method);
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  return {
    ...(cookie === "" ? {} : { cookie }),
    ...(isSafe || token === undefined ? {} : { "x-csrftoken": token }),
  };
}

function keep(cookies: Map<string, string>, line: string): void {
  const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (/max-age=0/i.test(line)) cookies.delete(name);
  else cookies.set(name, value);
}
