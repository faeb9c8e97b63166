/** CEL that names a column. */

/** Words that CEL reads as something else (the language's definition, "Syntax"). */
const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
);

export function columnExpression(column: string): string {
  if (/^[A-Za-z_]\w*$/.test(column) && !RESERVED.has(column)) return `source.${column}`;
  return `source[${celText(column)}]`;
}

function celText(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", String.raw`\'`)
    .replace(/\p{Cc}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `'${escaped}'`;
}
