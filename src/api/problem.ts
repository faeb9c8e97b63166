/** One thing that is wrong with an object. All problems of an object are reported at once. */
export interface Problem {
  /** From the root of the object: field names and list indexes. A missing field is named as if it were there. */
  readonly path: readonly PathKey[];
  /** What was broken: a schema keyword, one of our own words in camelCase, or the text of a CEL rule. */
  readonly rule: string;
  /** For people, with the way out. Never contains a value that may be secret. */
  readonly message: string;
  /** What was found, as short text; undefined where it is long, not a scalar, or may be secret. */
  readonly value: string | undefined;
}

export type PathKey = string | number;

/** `spec.objects[0].csv.path`; names that would be misread are quoted. */
export function formatPath(path: readonly PathKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(key)) text += text === '' ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}

/** Longer values say nothing in a message, and are more likely to be something that nobody wants to see there. */
const printableLength = 80;
/** A constant may be somebody's initial password; below bind, or in a url, people put credentials by mistake. */
const unprintable: ReadonlySet<PathKey> = new Set(['value', 'bind', 'url']);

export function printableValue(path: readonly PathKey[], value: unknown): string | undefined {
  if (path.some((key) => unprintable.has(key))) return undefined;
  if (typeof value === 'string') return value.length > printableLength ? undefined : JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
