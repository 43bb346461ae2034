const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#x27;",
};

/** Text inside HTML or XML, in an attribute or outside: names come from whoever uploads. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);

// biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters.
const ILLEGAL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Text inside XML without what XML 1.0 cannot hold. @see XML 1.0, section 2.2 */
export const xmlText = (text: string): string => escaped(text.replace(ILLEGAL, ""));
