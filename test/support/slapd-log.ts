/** What a slapd has done, by its own log. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Write = 'ADD' | 'MOD' | 'MODRDN' | 'DEL';

/** Names of the entries of the operations of one kind that were carried out: asked for, and answered with success. */
export function carriedOut(folder: string, op: Write): string[] {
  return asked(folder, op, ({ code }) => code === '0');
}

/** The same, and what nobody was there any more to be answered; not where the server was killed meanwhile. */
export function notRefused(folder: string, op: Write): string[] {
  return asked(folder, op, ({ code }) => code === undefined || code === '0');
}

const LINE = /(conn=\d+ op=\d+) (?:(ADD|MOD|MODRDN|DEL) dn="([^"\n]*)"|RESULT .*?\berr=(\d+)\b)/g;

interface Asked {
  readonly op: string;
  readonly dn: string;
  code: string | undefined;
}

function asked(folder: string, op: Write, counts: (one: Asked) => boolean): string[] {
  const all: Asked[] = [];
  // A server that is started again counts its connections anew.
  const open = new Map<string, Asked>();
  for (const [, which = '', kind, dn = '', code] of readFileSync(join(folder, 'log'), 'utf8').matchAll(
    LINE,
  )) {
    if (kind === undefined) {
      const one = open.get(which);
      if (one) one.code ??= code;
    } else {
      const one = { op: kind, dn, code: undefined };
      all.push(one);
      open.set(which, one);
    }
  }
  return all.filter((one) => one.op === op && counts(one)).map(({ dn }) => dn);
}
