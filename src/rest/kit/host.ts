const HOST = /^(?:[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Whether a Host header is well-formed and allowed; `*` allows all, `.example.org` any subdomain. */
export function isAllowedHost(host: string | undefined, allowed: readonly string[]): boolean {
  if (host === undefined || !HOST.test(host)) return false;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return allowed.some((pattern) => {
    const wanted = pattern.toLowerCase();
    if (wanted === "*" || wanted === name) return true;
    return wanted.startsWith(".") && (name === wanted.slice(1) || name.endsWith(wanted));
  });
}
