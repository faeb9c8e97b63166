/** A clock that a test can set, for one process and those it starts: libfaketime, which Debian has. Timers go on as ever. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePackages } from './slapd-programs.ts';

const LIBRARIES = '/usr/lib';

export interface SetClock {
  /** For the process whose clock it is. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds by which it is off from now on. */
  set(seconds: number): void;
}

export async function settableClock(folder: string): Promise<SetClock> {
  await ensurePackages(['faketime'], () => library() !== undefined);
  const file = join(folder, 'clock');
  const set = (seconds: number): void => {
    // At once, for it is read all the time.
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  const env = {
    LD_PRELOAD: library() ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // Both names: it has changed.
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  return { env, set };
}

function library(): string | undefined {
  return readdirSync(LIBRARIES)
    .map((folder) => join(LIBRARIES, folder, 'faketime', 'libfaketimeMT.so.1'))
    .find((file) => existsSync(file));
}
