/** Whether a text matches a pattern with `*`, `?`, `[seq]` and `[!seq]`; takes time of both lengths. */
export function matchesGlob(pattern: string, text: string): boolean {
  const pieces = readGlob(pattern);
  let [at, piece] = [0, 0];
  /** Where to go on if it does not match: behind the last `*`, which takes one character more. */
  let star: { readonly piece: number; at: number } | undefined;
  while (at < text.length) {
    const now = pieces[piece];
    if (now === "*") {
      piece += 1;
      star = { piece, at };
    } else if (now?.(text.charAt(at))) {
      at += 1;
      piece += 1;
    } else if (star) {
      star.at += 1;
      at = star.at;
      piece = star.piece;
    } else {
      return false;
    }
  }
  return pieces.slice(piece).every((rest) => rest === "*");
}

export const matchesAny = (patterns: readonly string[], text: string): boolean =>
  patterns.some((pattern) => matchesGlob(pattern, text));

type Piece = "*" | ((character: string) => boolean);

function readGlob(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at);
    const end = character === "[" ? setEnd(pattern, at) : -1;
    if (character === "*") pieces.push("*");
    else if (character === "?") pieces.push(() => true);
    else if (end > 0) {
      pieces.push(setOf(pattern.slice(at + 1, end)));
      at = end;
    } else pieces.push((other) => other === character);
  }
  return pieces;
}

/** Of the closing bracket; one that comes first belongs to the set. Without it the `[` is itself. */
function setEnd(pattern: string, start: number): number {
  const first = pattern.charAt(start + 1) === "!" ? start + 2 : start + 1;
  return pattern.indexOf("]", first + 1);
}

function setOf(text: string): Piece {
  const isNegated = text.startsWith("!");
  const members = isNegated ? text.slice(1) : text;
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at += 1) {
    const isRange = members.charAt(at + 1) === "-" && at + 2 < members.length;
    ranges.push([members.charAt(at), members.charAt(isRange ? at + 2 : at)]);
    if (isRange) at += 2;
  }
  return (character) =>
    ranges.some(([from, to]) => character >= from && character <= to) !== isNegated;
}
