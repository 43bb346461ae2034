const PARTS = /^(\d{4})-(\d{2})-(\d{2})/;

/** Whether a text that has the form of a time names one that exists, as the database sees it. */
export function isTime(text: string): boolean {
  const [, year, month, day] = PARTS.exec(text) ?? [];
  if (year === undefined || year === "0000") return false;
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  // JavaScript moves the 30th of February on; the database refuses it.
  return Number(day) <= lastDay && !Number.isNaN(Date.parse(text.replace(" ", "T")));
}
