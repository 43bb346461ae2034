/**
 * Address of the next page by a `Link` header (RFC 8288), absolute or relative; undefined at the
 * end, or if it leads to another server.
 */
export function nextPage(header: string | undefined, url: string): string | undefined {
  if (header === undefined) return undefined;
  for (const [, target = "", parameters = ""] of header.slice(0, 8192).matchAll(LINK)) {
    if (!/(?:^|;)\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(parameters)) continue;
    if (!URL.canParse(target, url)) return undefined;
    const next = new URL(target, url);
    return next.origin === new URL(url).origin ? next.href : undefined;
  }
  return undefined;
}

const LINK = /<([^<>]*)>([^<,]*(?:"[^"]*"[^<,]*)*)/g;
