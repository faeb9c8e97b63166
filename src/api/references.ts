/** The values of Secrets and ConfigMaps, as a manifest or the API server has them. */
import type { PathKey } from './problem.ts';
import { isRecord } from './schema.ts';
import { Secret } from '../lib/secret.ts';

export interface ReferenceFinding {
  readonly path: readonly PathKey[];
  readonly message: string;
}

export interface ParsedReference<V> {
  readonly values: ReadonlyMap<string, V>;
  readonly problems: readonly ReferenceFinding[];
  /** Values that are left out, with the reason; nobody may need them. */
  readonly notes: readonly ReferenceFinding[];
}

/** As in the API, a key of stringData wins over the same key of data. No message contains a value. */
export function parseSecret(object: Readonly<Record<string, unknown>>): ParsedReference<Secret> {
  const encoded = readTexts(object, 'data', withoutName);
  const plain = readTexts(object, 'stringData', withoutName);
  const values = new Map<string, Secret>();
  const problems = [...encoded.problems, ...plain.problems];
  const notes: ReferenceFinding[] = [];
  for (const [key, text] of encoded.texts) {
    const path = ['data', key];
    const bytes = decodeBase64(text);
    const decoded = bytes === undefined ? undefined : decodeUtf8(bytes);
    if (bytes === undefined) problems.push({ path, message: 'is not base64: use stringData for plain text' });
    else if (decoded === undefined) notes.push({ path, message: 'is not text and cannot be used' });
    else values.set(key, new Secret(decoded));
  }
  for (const [key, text] of plain.texts) values.set(key, new Secret(text));
  return { values, problems, notes };
}

/** Text for data, bytes for binaryData (a file in another encoding). */
export function parseConfigMap(
  object: Readonly<Record<string, unknown>>,
): ParsedReference<string | Uint8Array> {
  const plain = readTexts(object, 'data', withName);
  const binary = readTexts(object, 'binaryData', withName);
  const values = new Map<string, string | Uint8Array>(plain.texts);
  const problems = [...plain.problems, ...binary.problems];
  for (const [key, text] of binary.texts) {
    const bytes = decodeBase64(text);
    if (bytes === undefined) problems.push({ path: ['binaryData', key], message: 'is not base64' });
    else values.set(key, bytes);
  }
  return { values, problems, notes: [] };
}

interface Texts {
  readonly texts: ReadonlyMap<string, string>;
  readonly problems: readonly ReferenceFinding[];
}

interface NotText {
  readonly field: string;
  readonly key: string;
  /** Which of the keys, from 1. */
  readonly place: number;
}

const withName = ({ field, key }: NotText): ReferenceFinding => ({
  path: [field, key],
  message: 'must be a string; put it in quotes',
});

/** Where a colon is missing, what was to be the value stands in the key. */
const withoutName = ({ field, place }: NotText): ReferenceFinding => ({
  path: [field],
  message: `the value of key ${place} must be a string: write a colon and a space before it, and put it in quotes`,
});

function readTexts(
  object: Readonly<Record<string, unknown>>,
  field: string,
  refuse: (found: NotText) => ReferenceFinding,
): Texts {
  const found = object[field];
  if (found === undefined || found === null) return { texts: new Map(), problems: [] };
  if (!isRecord(found))
    return { texts: new Map(), problems: [{ path: [field], message: 'must be a map of strings' }] };
  const texts = new Map<string, string>();
  const problems: ReferenceFinding[] = [];
  for (const [at, [key, value]] of Object.entries(found).entries()) {
    if (typeof value === 'string') texts.set(key, value);
    else problems.push(refuse({ field, key, place: at + 1 }));
  }
  return { texts, problems };
}

function decodeBase64(text: string): Uint8Array | undefined {
  const compact = text.replaceAll(/\s/g, '');
  const wellFormed = compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
  return wellFormed ? Buffer.from(compact, 'base64') : undefined;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    // Every byte belongs to the password: a byte order mark too.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
