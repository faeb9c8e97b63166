const WARNING = /\b\d{3} \S+ "((?:\\.|[^"\\])*)"/g;

/** The texts of a Warning header (RFC 7234), which may hold several. */
export function warningsOf(header: string | readonly string[] | undefined): string[] {
  const lines = header === undefined ? [] : [header].flat();
  return lines.flatMap((line) =>
    [...line.matchAll(WARNING)].map((match) => (match[1] ?? '').replaceAll(/\\(.)/g, '$1')),
  );
}
