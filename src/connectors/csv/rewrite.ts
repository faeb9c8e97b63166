/**
 * Replaces a CSV file by one rename: the old rows byte for byte, changed cells in their places, new rows at the
 * end. Order of effects: temporary file beside it, fsync, rename, fsync of the folder, and last the checksum
 * file. Whoever reads between the last two sees a mismatch, which counts as incomplete: the safe side.
 */
import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { ConnectorError } from '../../engine/errors.ts';
import type { Written } from '../../engine/ports.ts';
import { splitLineEnd, splitRow } from './cells.ts';
import { byteOrderMarkOf, encode } from './encoding.ts';
import { confine, fileError, sameState, stateOf, type FileState } from './place.ts';
import { scan, type CsvFile, type Line, type ScanEnd } from './scan.ts';

/** What shall become of one key. Cells are formatted for the file. */
export type PendingRow =
  | { readonly kind: 'Create' | 'Update'; readonly cells: ReadonlyMap<string, string> }
  | { readonly kind: 'Delete' };

export interface RewriteJob {
  readonly file: CsvFile;
  readonly header: readonly string[];
  readonly pending: ReadonlyMap<string, PendingRow>;
  /** The file as it was read. */
  readonly known: { readonly state: FileState; readonly sha256: string };
}

export type Rewritten =
  | { readonly kind: 'Applied'; readonly state: FileState; readonly sha256: string }
  | Exclude<Written, { readonly kind: 'Applied' }>;

/** Never throws for what the file system answers; an abort throws, and leaves the file as it was. */
export async function rewrite(job: RewriteJob, signal: AbortSignal): Promise<Rewritten> {
  const { place } = job.file;
  if (place.kind !== 'File') return refused(new ConnectorError('Unsupported', `${place.label} is no file`));
  const temporary = join(dirname(place.path), `${temporaryPrefix(place.path)}${randomUUID()}.tmp`);
  let sha256: string;
  try {
    await removeLeftovers(place.path);
    sha256 = await writeTemporary(job, place.path, temporary, signal);
    await requireUnchanged(job, place.path);
    await rename(temporary, place.path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (signal.aborted) throw cause;
    return refused(fileError(cause, `'${place.label}' or its folder`));
  }
  try {
    await syncFolder(dirname(place.path));
    await writeChecksum(job.file, sha256);
    return { kind: 'Applied', state: await stateOf(place.path), sha256 };
  } catch (cause) {
    const { code, message } = fileError(cause, `what belongs to '${place.label}'`);
    return {
      kind: 'Unknown',
      error: new ConnectorError(code, `${message}; the file itself was replaced`, { cause }),
    };
  }
}

function refused(error: ConnectorError): Rewritten {
  return { kind: 'Refused', error };
}

function temporaryPrefix(path: string): string {
  return `.${basename(path)}.rollcall-`;
}

/** A commit that was killed leaves its temporary file behind. */
async function removeLeftovers(path: string): Promise<void> {
  const prefix = temporaryPrefix(path);
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(prefix) && name.endsWith('.tmp'))
      await rm(join(dirname(path), name), { force: true });
  }
}

async function requireUnchanged(job: RewriteJob, path: string): Promise<void> {
  if (!sameState(await stateOf(path), job.known.state)) throw changed(job.file);
}

export function changed(file: CsvFile): ConnectorError {
  return new ConnectorError('Changed', `${file.place.label} is no longer the file that was read`);
}

async function writeTemporary(
  job: RewriteJob,
  path: string,
  temporary: string,
  signal: AbortSignal,
): Promise<string> {
  const old = await stat(path);
  await using target = await open(temporary, 'wx', 0o600);
  const output = new Output(job);
  await output.begin(target, await firstBytes(path));
  const pass = scan(job.file, signal, true);
  let step = await pass.next();
  for (; !step.done; step = await pass.next()) {
    for (const line of step.value) output.take(line);
    await output.flush(target);
  }
  requireSame(job, step.value);
  output.finish();
  await output.flush(target);
  // Only root may give a file away; elsewhere the group at least is kept where the system lets us.
  await target.chown(old.uid, old.gid).catch(() => target.chown(-1, old.gid).catch(() => undefined));
  await target.chmod(old.mode & 0o7777);
  await target.sync();
  return output.sha256();
}

function requireSame(job: RewriteJob, end: ScanEnd): void {
  if (end.evidence.complete === 'No' && end.evidence.reason !== 'FileChanged') {
    throw new ConnectorError('InvalidData', end.evidence.message ?? 'the file is damaged');
  }
  if (end.evidence.complete === 'No' || end.sha256 !== job.known.sha256) throw changed(job.file);
}

/** The new file, line by line. A line's end is held back until it is known whether anything follows it. */
class Output {
  readonly #job: RewriteJob;
  readonly #key: number;
  readonly #hash = createHash('sha256');
  readonly #lineEnds = new Map([
    ['\n', 0],
    ['\r\n', 0],
    ['\r', 0],
  ]);
  #chunks: Buffer[] = [];
  #begun = false;
  #heldEnd: string | undefined;
  #lastEnd = '';
  #rows = 0;
  #appended = false;

  constructor(job: RewriteJob) {
    this.#job = job;
    this.#key = job.header.indexOf(job.file.key);
  }

  take(line: Line): void {
    const { content, lineEnd } = splitLineEnd(line.raw);
    this.#lastEnd = lineEnd;
    this.#lineEnds.set(lineEnd, (this.#lineEnds.get(lineEnd) ?? 0) + 1);
    if (line.kind === 'Data') {
      this.#takeRow(line, content, lineEnd);
    } else if (line.kind === 'Trailer') {
      this.#append();
      const text = this.#job.file.expectation.trailer?.format(this.#rows);
      this.#put(text === undefined ? content : Buffer.from(text, 'utf8'), lineEnd);
    } else {
      this.#put(content, lineEnd);
    }
  }

  /** The byte order mark, where the old file has one. */
  async begin(target: FileHandle, start: Buffer): Promise<void> {
    await this.#write(target, byteOrderMarkOf(start, this.#job.file.dialect.encoding));
  }

  /** The file ends as it ended: with a line end or without. */
  finish(): void {
    this.#append();
    if (this.#lastEnd !== '') this.#chunks.push(Buffer.from(this.#heldEnd || this.#usualEnd()));
  }

  async flush(target: FileHandle): Promise<void> {
    const bytes = this.#encoded(Buffer.concat(this.#chunks));
    this.#chunks = [];
    await this.#write(target, bytes);
  }

  async #write(target: FileHandle, bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    let written = 0;
    while (written < bytes.length) {
      written += (await target.write(bytes, written, bytes.length - written)).bytesWritten;
    }
  }

  sha256(): string {
    return this.#hash.digest('hex');
  }

  #takeRow(line: Line, content: Buffer, lineEnd: string): void {
    const pending = this.#job.pending.get(line.cells[this.#key] ?? '');
    if (pending?.kind === 'Delete') return;
    this.#rows += 1;
    this.#put(pending ? this.#changed(content, pending.cells) : content, lineEnd);
  }

  #changed(content: Buffer, cells: ReadonlyMap<string, string>): Buffer {
    const written = splitRow(content.toString('utf8'), this.#job.file.dialect);
    const row = this.#job.header.map((name, index) => cells.get(name) ?? written[index] ?? '');
    return Buffer.from(row.join(this.#job.file.dialect.delimiter), 'utf8');
  }

  #append(): void {
    if (this.#appended) return;
    this.#appended = true;
    for (const pending of this.#job.pending.values()) {
      if (pending.kind !== 'Create') continue;
      const row = this.#job.header.map((name) => pending.cells.get(name) ?? '');
      this.#rows += 1;
      this.#put(Buffer.from(row.join(this.#job.file.dialect.delimiter), 'utf8'), this.#usualEnd());
    }
  }

  #put(content: Buffer, lineEnd: string): void {
    if (this.#begun) this.#chunks.push(Buffer.from(this.#heldEnd || this.#usualEnd()));
    this.#begun = true;
    this.#chunks.push(content);
    this.#heldEnd = lineEnd;
  }

  #usualEnd(): string {
    let usual = '\n';
    for (const [lineEnd, count] of this.#lineEnds) {
      if (lineEnd !== '' && count > (this.#lineEnds.get(usual) ?? 0)) usual = lineEnd;
    }
    return usual;
  }

  #encoded(bytes: Buffer): Buffer {
    const { encoding } = this.#job.file.dialect;
    if (encoding === 'UTF-8') return bytes;
    const encoded = encode(bytes.toString('utf8'), encoding);
    if (!encoded) throw new ConnectorError('InvalidData', `a character has no place in ${encoding}`);
    return encoded;
  }
}

async function firstBytes(path: string): Promise<Buffer> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(3), 0, 3, 0);
  return buffer.subarray(0, bytesRead);
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/** In `sha256sum` format, by rename as well. */
async function writeChecksum(file: CsvFile, sha256: string): Promise<void> {
  const { checksum } = file.expectation;
  if (!checksum || file.place.kind !== 'File') return;
  const path = await confine(checksum.root, checksum.path);
  await removeLeftovers(path);
  const temporary = join(dirname(path), `${temporaryPrefix(path)}${randomUUID()}.tmp`);
  try {
    await writeFile(temporary, `${sha256}  ${basename(file.place.path)}\n`, { flush: true, flag: 'wx' });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cause;
  }
  await syncFolder(dirname(path));
}
