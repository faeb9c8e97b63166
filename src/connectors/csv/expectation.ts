/** Who vouches that a CSV file is whole: a count, a trailer, a checksum beside it. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

import { ConnectorError } from '../../engine/errors.ts';
import type { Evidence } from '../../engine/ports.ts';
import type { CsvExpectation } from './config.ts';
import { confine, fileError, requireInside } from './place.ts';

export interface Expectation {
  readonly rows: number | undefined;
  readonly trailer: Trailer | undefined;
  readonly checksum: Checksum | undefined;
}

export interface Trailer {
  readonly pattern: string;
  /** The count that a line declares, or undefined when it is no trailer. */
  countOf(text: string): number | undefined;
  format(rows: number): string;
}

export interface Checksum {
  readonly root: string;
  /** Relative to the root, as in the manifest. */
  readonly path: string;
}

export type Verdict =
  | { readonly kind: 'Proved'; readonly proof: NonNullable<Evidence['proof']> }
  | { readonly kind: 'Contradicted'; readonly reason: string; readonly message: string }
  | { readonly kind: 'Undeclared' };

/** What was found in a file that was read to its end. */
export interface Found {
  readonly rows: number;
  readonly trailerCount: number | undefined;
  readonly rowsAfterTrailer: boolean;
  readonly sha256: string | undefined;
}

/** `root`: undefined for text that is no file, which nothing can lie beside. */
export function parseExpectation(expect: CsvExpectation, root: string | undefined): Expectation {
  const { checksumFile } = expect;
  if (checksumFile !== undefined && root === undefined) {
    throw new ConnectorError('InvalidConfiguration', 'expect.checksumFile needs a file, not a ConfigMap');
  }
  if (checksumFile !== undefined) requireInside(checksumFile);
  return {
    rows: expect.rows,
    trailer: expect.trailer === undefined ? undefined : parseTrailer(expect.trailer),
    checksum: checksumFile === undefined || root === undefined ? undefined : { root, path: checksumFile },
  };
}

function parseTrailer(pattern: string): Trailer {
  const [before, after, more] = pattern.split('{rows}');
  if (before === undefined || after === undefined || more !== undefined) {
    throw new ConnectorError('InvalidConfiguration', 'expect.trailer must contain {rows} exactly once');
  }
  return {
    pattern,
    countOf(text) {
      if (!text.startsWith(before) || !text.endsWith(after)) return undefined;
      const digits = text.slice(before.length, text.length - after.length);
      return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
    },
    format: (rows) => `${before}${String(rows)}${after}`,
  };
}

/** Checks every declaration; the first contradiction wins, else the strongest proof. */
export async function judge(expectation: Expectation, found: Found, label: string): Promise<Verdict> {
  const verdicts = [
    await judgeChecksum(expectation.checksum, found.sha256, label),
    judgeTrailer(expectation.trailer, found),
    judgeRows(expectation.rows, found.rows),
  ];
  return (
    verdicts.find((verdict) => verdict.kind === 'Contradicted') ??
    verdicts.find((verdict) => verdict.kind === 'Proved') ?? { kind: 'Undeclared' }
  );
}

function judgeRows(expected: number | undefined, rows: number): Verdict {
  if (expected === undefined) return { kind: 'Undeclared' };
  if (rows === expected) return { kind: 'Proved', proof: 'RowCount' };
  return contradicted(
    'RowCountMismatch',
    `${String(rows)} rows were found, ${String(expected)} are declared`,
  );
}

function judgeTrailer(trailer: Trailer | undefined, found: Found): Verdict {
  if (!trailer) return { kind: 'Undeclared' };
  if (found.trailerCount === undefined) return contradicted('TrailerMismatch', 'the last line is no trailer');
  if (found.rowsAfterTrailer) return contradicted('TrailerMismatch', 'there are rows after the trailer');
  if (found.trailerCount === found.rows) return { kind: 'Proved', proof: 'Trailer' };
  const counts = `${String(found.rows)} rows were found, the trailer declares ${String(found.trailerCount)}`;
  return contradicted('TrailerMismatch', counts);
}

async function judgeChecksum(
  checksum: Checksum | undefined,
  sha256: string | undefined,
  label: string,
): Promise<Verdict> {
  if (!checksum) return { kind: 'Undeclared' };
  let declared: string | undefined;
  try {
    const text = await readFile(await confine(checksum.root, checksum.path), 'utf8');
    declared = digestFor(text, basename(label));
  } catch (cause) {
    const error = fileError(cause, `'${checksum.path}'`);
    if (error.code === 'InvalidConfiguration') throw error;
    return contradicted('ChecksumMissing', error.message);
  }
  if (declared === undefined) {
    return contradicted('ChecksumMissing', `'${checksum.path}' holds no SHA-256 digest for '${label}'`);
  }
  if (declared === sha256) return { kind: 'Proved', proof: 'Checksum' };
  return contradicted('ChecksumMismatch', `the file is not the one that '${checksum.path}' was made for`);
}

/** The line for the file; a digest that stands alone needs no name. */
function digestFor(text: string, name: string): string | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const parsed = lines.map((line) => /^\\?([0-9a-f]{64})(?: [ *](.+))?$/i.exec(line.trim()));
  const named = parsed.find((match) => match?.[2] !== undefined && basename(match[2]) === name);
  const only = lines.length === 1 ? parsed[0] : undefined;
  return (named ?? only)?.[1]?.toLowerCase();
}

function contradicted(reason: string, message: string): Verdict {
  return { kind: 'Contradicted', reason, message };
}
