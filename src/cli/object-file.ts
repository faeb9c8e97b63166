/** The file of `objects put`: a JSON object, attribute name → a text or a list of texts. No message quotes a value. */
import { readFileSync } from 'node:fs';
import { nearestName } from '../lib/nearest-name.ts';
import { CommandFailure, EXIT } from './failure.ts';

export interface ObjectFile {
  /** `-` is standard input. */
  readonly file: string;
  readonly id: string;
  /** The attribute that holds the id, which the file may repeat. */
  readonly idName: string;
  readonly known: readonly string[];
}

export function readObjectFile({ file, id, idName, known }: ObjectFile): Map<string, string[]> {
  const label = file === '-' ? 'standard input' : file;
  const given = new Map<string, string[]>();
  for (const [name, value] of Object.entries(parse(readText(file, label), label))) {
    if (name !== idName && !known.includes(name)) throw refuse(label, unknown(name, known));
    given.set(name, textsOf(name, value, label));
  }
  const own = given.get(idName);
  if (own && (own.length !== 1 || own[0] !== id))
    throw refuse(
      label,
      `attribute '${idName}' is the id, and is not '${id}' as the command says; leave it out`,
    );
  given.delete(idName);
  return given;
}

function readText(file: string, label: string): string {
  const bytes = readBytes(file, label);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse(label, 'it is not UTF-8; save it in that encoding');
  }
}

function readBytes(file: string, label: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // A terminal that was closed, or none at all.
    if (file === '-' && (code === 'EAGAIN' || code === 'EOF')) return Buffer.alloc(0);
    throw refuse(label, code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`);
  }
}

function parse(text: string, label: string): object {
  if (text.trim() === '') throw refuse(label, `it is empty; write a JSON object such as {"name": "Ann"}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's message quotes what stands there, which may be anybody's.
    throw refuse(label, 'it is not valid JSON');
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw refuse(label, `it holds no JSON object; write one such as {"name": "Ann"}`);
}

function textsOf(name: string, value: unknown, label: string): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  const wrong = values.find((one) => typeof one !== 'string');
  if (values.every((one) => typeof one === 'string')) return values;
  const what = wrong === null ? 'null' : typeof wrong;
  const way = wrong === null ? 'leave the attribute out to clear it' : 'put it in quotes';
  throw refuse(label, `attribute '${name}' holds a ${what} where a text or a list of texts is meant; ${way}`);
}

function unknown(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  const hint = near === undefined ? `there is ${known.join(', ')}` : `did you mean '${near}'?`;
  return `the object has no attribute '${name}'; ${hint}`;
}

function refuse(label: string, problem: string): CommandFailure {
  return new CommandFailure(EXIT.invalid, `${label}: ${problem}; nothing was changed`);
}
