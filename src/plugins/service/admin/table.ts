import { type Content, type Html, html } from "./html.ts";

export interface ListRow {
  readonly key: string;
  /** Where the list goes on after this row. */
  readonly cursor: string;
  /** The first names the row and leads to it. */
  readonly cells: readonly Content[];
}

/** A table that narrow screens show as cards. */
export const table = (
  caption: string,
  columns: readonly string[],
  rows: readonly { readonly cells: readonly Content[] }[],
): Html =>
  html`<div class="scroll"><table><caption>${caption}</caption><thead><tr>${columns.map(
    (column) => html`<th scope="col">${column}</th>`,
  )}</tr></thead><tbody>${rows.map(
    ({ cells }) =>
      html`<tr>${cells.map((cell, at) => cellOf(cell, at === 0, columns[at] ?? ""))}</tr>`,
  )}</tbody></table></div>`;

const cellOf = (cell: Content, isFirst: boolean, column: string): Html => {
  if (isFirst) return html`<th scope="row">${cell}</th>`;
  const isNothing = cell === "" || cell === null || cell === undefined || cell === false;
  return html`<td data-label="${column}"${isNothing && html` class="nothing"`}>${cell}</td>`;
};

export const yesNo = (value: boolean): string => (value ? "Yes" : "No");

/** A time as text of the database: in UTC, to the microsecond. */
export const time = (text: string | null): Content =>
  text !== null && html`<time datetime="${text.replace(" ", "T")}Z">${text}</time>`;

/** SQL of such a text. */
export const timeText = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;
