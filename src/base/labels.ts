/** `pulp_labels`: text to text or null. */
export type Labels = Readonly<Record<string, string | null>>;

const KEY = /^[\w .-]+$/;

/** Says what is wrong with a map of labels, in the wire's words, or nothing (core-rest §2.4). */
export function labelProblem(labels: Labels): string | undefined {
  for (const [key, value] of Object.entries(labels)) {
    if (!KEY.test(key)) {
      return `Key '${key}' contains invalid characters. Only alphanumerics, underscores, spaces, hyphens, and dots are allowed.`;
    }
    if (value !== null && /[()]/.test(value))
      return `Key '${key}' contains value with parenthesis.`;
  }
  return undefined;
}
