/** Variables of the reference SDK, whose names deployments keep. */
const NAMES = ["OTEL_PYTHON_EXCLUDED_URLS", "OTEL_PYTHON_DJANGO_EXCLUDED_URLS"];

/**
 * Which addresses are not measured: comma-separated regular expressions that are searched in the
 * absolute address; undefined if all are.
 *
 * @returns undefined where none are.
 * @throws an error that names the expression which is none
 */
export function excludedUrls(
  environment: Readonly<Record<string, string | undefined>>,
): ((url: string) => boolean) | undefined {
  const texts = NAMES.flatMap((name) => (environment[name] ?? "").split(","))
    .map((text) => text.trim())
    .filter((text) => text !== "");
  if (texts.length === 0) return undefined;
  const patterns = texts.map(patternOf);
  return (url) => patterns.some((pattern) => pattern.test(url));
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new Error(`OTEL_PYTHON_EXCLUDED_URLS: '${text}' is no regular expression.`);
  }
}
