/**
 * Files that change while they are read, disks that are full and clocks that jump: nothing is withdrawn, nothing is lost,
 * and when the cause is gone the next run finishes.
 */
import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordFault } from '../support/fault-report.ts';
import { csvPair, PROGRAM, type DocumentOf, type Done, type Folder } from '../support/rollcall.ts';
import { settableClock } from '../support/set-clock.ts';

const HOOK = new URL('../support/kill-at.ts', import.meta.url).pathname;
const ROWS = 6_000;
const RULES = '{ name: gone, situations: [SourceMissing], response: DeleteTarget }';
const rows = (names: readonly number[], mark = ''): string =>
  names.map((at) => `${at},Person ${at}${mark},p${at}@example.org,\n`).join('');
const ALL = Array.from({ length: ROWS }, (_, at) => 1_000 + at);
const HEADER = 'id,name,mail,status\n';

let folder: Folder;
let settled: string;

beforeAll(async () => {
  folder = csvPair({ sourceRows: HEADER + rows(ALL), targetRows: 'key,name,mail,state\n', rules: RULES });
  expect((await start(folder)).exitCode).toBe(0);
  expect((await start(folder)).exitCode).toBe(0);
  settled = folder.read('target.csv');
}, 60_000);

afterAll(() => folder[Symbol.dispose]());

function start(where: Folder, env: Readonly<Record<string, string>> = {}): Promise<Done> {
  const child = spawn(process.execPath, ['--import', HOOK, PROGRAM, 'run', where.path, '-o', 'json'], {
    stdio: 'pipe',
    env: { ...process.env, ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ exitCode: code ?? -1, stdout, stderr }));
  });
}

const totalsOf = ({ stdout }: Done): DocumentOf['runs'][number]['totals'] | undefined =>
  (JSON.parse(stdout) as DocumentOf).runs.at(-1)?.totals;

describe('a file that changes while it is read', () => {
  const READS = [1, 2, 4, 6, 8];
  const half = HEADER + rows(ALL.slice(0, ROWS / 2));
  it.each([
    { how: 'replaced by half of it', what: 'mv half.csv source.csv' },
    { how: 'cut to half its length', what: 'truncate -s 150000 source.csv' },
    { how: 'emptied', what: ': > source.csv' },
    { how: 'grown by rows of strangers', what: 'cat more.csv >> source.csv' },
    { how: 'written anew in place', what: 'cat half.csv > source.csv' },
    { how: 'removed', what: 'rm source.csv' },
  ])(
    '$how: nothing is withdrawn, and the next run is as before',
    { timeout: 120_000 },
    async ({ how, what }) => {
      for (const nth of READS) {
        folder.write('half.csv', half);
        folder.write('more.csv', rows(Array.from({ length: 500 }, (_, at) => 50_000 + at)));
        const done = await start(folder, {
          ROLLCALL_DO: `cd '${folder.path}' && ${what}`,
          ROLLCALL_DO_AT: `after read,${nth}`,
        });
        expect(done.stderr).not.toMatch(/internal error/);
        expect(folder.read('target.csv').split('\n').length).toBeGreaterThanOrEqual(
          settled.split('\n').length,
        );
        for (const at of ALL.slice(-3)) expect(folder.read('target.csv')).toContain(`\na${at},`);
        folder.write('source.csv', HEADER + rows(ALL));
        folder.write('target.csv', settled);
        // What had grown before it was read was believed, rightly; here it is forgotten.
        if (how.startsWith('grown')) await start(folder);
        const again = await start(folder);
        expect([again.exitCode, totalsOf(again)?.applied]).toEqual([0, 0]);
      }
      recordFault({
        fault: `File: ${how} while it is read`,
        injected: `after each of ${READS.length} reads of a run, manifests and the target's file among them`,
        holds:
          'the read is contradicted or was over before; nothing is withdrawn, and the next run is as before',
      });
    },
  );
});

describe('a disk that is full', () => {
  /** In a mount namespace of its own: a small disk in place of a folder, filled but for some bytes, a run, room again, a run. */
  const script = (place: 'state' | 'all'): string => `set -e
    cd "$1"; mkdir -p all state; mount -t tmpfs -o size=64m tmpfs ${place}
    cp '${folder.path}'/*.csv '${folder.path}'/*.yaml all; cp '${folder.path}'/.rollcall/* state
    sed -i 's/,Person 1/,Personne 1/' all/source.csv
    dd if=/dev/zero of=${place}/filler bs=4096 2>/dev/null || true
    truncate -s -20480 ${place}/filler
    set +e
    "$2" "$3" run all --state state > full.out 2> full.err; echo $? > full.code
    rm ${place}/filler
    "$2" "$3" run all --state state > room.out 2> room.err; echo $? > room.code
    cp all/target.csv after.csv`;

  it.each([
    { where: 'in the state folder', place: 'state' },
    { where: 'beside the target file', place: 'all' },
  ] as const)(
    '$where: told, nothing is lost, and finished when there is room',
    { timeout: 120_000 },
    async ({ where, place }) => {
      using other = csvPair({ sourceRows: HEADER, targetRows: 'key,name,mail,state\n' });
      const words = ['-rm', 'sh', '-c', script(place), 'sh', other.path, process.execPath, PROGRAM];
      await promisify(execFile)('unshare', words, { maxBuffer: 1 << 26 });
      const [code, told] = [other.read('full.code').trim(), other.read('full.err') + other.read('full.out')];
      expect([code, told]).toEqual(['1', expect.stringMatching(/disk|full|space|ENOSPC/i)]);
      expect(told).not.toMatch(/internal error|\n\s+at /);
      expect([other.read('room.code').trim(), other.read('room.err')]).toEqual(['0', '']);
      const renamed = settled.replaceAll(',Person 1', ',Personne 1');
      expect(other.read('after.csv')).toBe(renamed);
      recordFault({
        fault: `Disk full ${where}`,
        injected: 'a disk of 6 MiB with 20 KiB left, while a thousand rows change; then it has room',
        holds: 'the run says so and ends with 1; nothing is lost, the next one finishes',
      });
    },
  );
});

describe('a clock that jumps', () => {
  it(
    'back and forth between runs: nothing is withdrawn, nothing is repeated, and the history stays readable',
    { timeout: 60_000 },
    async () => {
      using other = csvPair({
        sourceRows: HEADER + rows(ALL.slice(0, 50)),
        targetRows: 'key,name,mail,state\n',
        rules: `{ name: later, situations: [SourceMissing], after: 720h, response: DeleteTarget }`,
      });
      const clock = await settableClock(other.path);
      expect((await start(other, clock.env)).exitCode).toBe(0);
      other.write('source.csv', HEADER + rows(ALL.slice(0, 48)));
      const DAY = 86_400;
      for (const days of [0, 3, -3, 20, -400, 1, 0]) {
        clock.set(days * DAY);
        const done = await start(other, clock.env);
        expect([days, done.exitCode, totalsOf(done)?.applied]).toEqual([days, 0, 0]);
      }
      expect(other.read('target.csv').split('\n')).toHaveLength(52);
      const history = await other.run('history', 'DIR');
      expect(history.stdout.split('\n').length).toBeGreaterThan(8);
      // A month after the first run that saw it, by whatever clock that was.
      clock.set(32 * DAY);
      expect(totalsOf(await start(other, clock.env))?.applied).toBe(2);
      recordFault({
        fault: 'Clock jumps between runs',
        injected: 'by 3, 20 and 400 days, forward and back, with two leavers who wait for a month',
        holds: 'nothing is withdrawn early or repeated; the month counts from the first run that saw them',
      });
    },
  );
});

it('leaves nothing of its own behind', () => {
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  for (const name of readdirSync(join(folder.path, '.rollcall')))
    readFileSync(join(folder.path, '.rollcall', name));
});
