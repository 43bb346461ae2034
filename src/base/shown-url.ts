/** An address as errors and logs may show it: no credentials, no signed query. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return text.slice(0, 200);
  const url = new URL(text);
  url.username = "";
  url.password = "";
  if (url.search !== "") url.search = "?…";
  return url.href.replace("?%E2%80%A6", "?…");
}
