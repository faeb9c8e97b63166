/** Cells as text in a row: quoting by RFC 4180, with the dialect's characters. */
import type { CsvDialect } from './config.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** The cell as it stands in a row, quoted only where it must be; undefined when the dialect cannot hold it. */
export function formatCell(value: string, dialect: CsvDialect): string | undefined {
  const { delimiter, quote } = dialect;
  const special = value.includes(delimiter) || /[\r\n]/.test(value);
  const quoted = quote !== '' && value.includes(quote);
  if (!special && !quoted) return value;
  if (quote === '') return undefined;
  return quote + value.replaceAll(quote, quote + quote) + quote;
}

/** Cuts a valid row, without its line end, into its cells as they are written, quotes and all. */
export function splitRow(row: string, dialect: CsvDialect): string[] {
  const { delimiter, quote } = dialect;
  const cells: string[] = [];
  let start = 0;
  let quoting = false;
  for (let index = 0; index < row.length; index += 1) {
    const character = row.charAt(index);
    // A doubled quote toggles twice and so changes nothing.
    if (quote !== '' && character === quote) quoting = !quoting;
    else if (!quoting && character === delimiter) {
      cells.push(row.slice(start, index));
      start = index + 1;
    }
  }
  cells.push(row.slice(start));
  return cells;
}

/** Whether a row in bytes has a line end. */
export function endsLine(raw: Buffer): boolean {
  const last = raw.at(-1);
  return last === LINE_FEED || last === CARRIAGE_RETURN;
}

/** A row in bytes and its line end. A quoted line break inside the last cell is no line end, for a quote follows it. */
export function splitLineEnd(raw: Buffer): { readonly content: Buffer; readonly lineEnd: string } {
  const last = raw.at(-1);
  let length = 0;
  if (last === CARRIAGE_RETURN) length = 1;
  else if (last === LINE_FEED) length = raw.at(-2) === CARRIAGE_RETURN ? 2 : 1;
  const end = raw.length - length;
  return { content: raw.subarray(0, end), lineEnd: raw.subarray(end).toString('latin1') };
}

export function sameCells(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((cell, at) => cell === other[at]);
}
