/** People as files, written as they are made: no more than a piece of one is ever in memory. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { ATTRIBUTES, type Person } from './people.ts';

const PIECE_CHARACTERS = 1 << 20;

export function writeCsv(path: string, people: readonly Iterable<Person>[]): void {
  writePieces(path, csvLines(people));
}

/** Entries below `base`, as slapadd and ldapadd read them. */
export function writeLdif(path: string, base: string, people: readonly Iterable<Person>[]): void {
  writePieces(path, ldifRecords(base, people));
}

/** As `ldapmodify` reads it: one attribute that Rollcall does not read, of everybody given. */
export function writeChanges(path: string, base: string, people: Iterable<Person>, value: string): void {
  writePieces(path, changeRecords(base, people, value));
}

function* csvLines(people: readonly Iterable<Person>[]): Generator<string> {
  yield `${ATTRIBUTES.join(',')}\n`;
  for (const one of allOf(people)) yield `${ATTRIBUTES.map((name) => quoted(one[name])).join(',')}\n`;
}

function* ldifRecords(base: string, people: readonly Iterable<Person>[]): Generator<string> {
  for (const one of allOf(people)) {
    yield `dn: uid=${one.uid},${base}\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\nobjectClass: inetOrgPerson\n`;
    for (const name of ATTRIBUTES) yield `${ldifLine(name, one[name])}\n`;
    yield '\n';
  }
}

function* changeRecords(base: string, people: Iterable<Person>, value: string): Generator<string> {
  for (const { uid } of people)
    yield `dn: uid=${uid},${base}\nchangetype: modify\nreplace: roomNumber\nroomNumber: ${value}\n\n`;
}

function* allOf(people: readonly Iterable<Person>[]): Generator<Person> {
  for (const some of people) yield* some;
}

function quoted(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function ldifLine(name: string, value: string): string {
  const isSafe = /^[!-9;=-~][ -~]*$/.test(value);
  return isSafe ? `${name}: ${value}` : `${name}:: ${Buffer.from(value).toString('base64')}`;
}

function writePieces(path: string, texts: Iterable<string>): void {
  const file = openSync(path, 'w');
  try {
    let piece = '';
    for (const text of texts) {
      piece += text;
      if (piece.length < PIECE_CHARACTERS) continue;
      writeAll(file, piece);
      piece = '';
    }
    writeAll(file, piece);
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}
