/**
 * Whether the client prefers JSON: the media range with the highest `q` (the first of equals) is
 * `application/json` or ends in `+json` (core-content §5.12).
 */
export function wantsJson(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes("json")) return false;
  let best = "";
  let bestQuality = 0;
  for (const part of accept.split(",")) {
    const [type = "", ...parameters] = part.split(";");
    const quality = qualityOf(parameters);
    if (quality > bestQuality) {
      best = type.trim().toLowerCase();
      bestQuality = quality;
    }
  }
  return best === "application/json" || best.endsWith("+json");
}

function qualityOf(parameters: readonly string[]): number {
  const given = parameters.map((text) => text.trim()).find((text) => /^q=/i.test(text));
  if (given === undefined) return 1;
  const value = given.slice(2);
  return /^-?\d+(\.\d*)?$/.test(value) ? Number(value) : 1;
}
