import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { csvPair, PROGRAM, rollcall, type Folder } from '../support/rollcall.ts';

const PATIENCE = { timeout: 15_000, interval: 50 };

class Up {
  readonly process: ChildProcess;
  out = '';
  errors = '';

  constructor(folder: Folder, ...flags: string[]) {
    this.process = spawn(process.execPath, [PROGRAM, 'up', folder.path, ...flags], { stdio: 'pipe' });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
  }

  async shows(text: RegExp): Promise<void> {
    await vi.waitFor(() => expect(this.out).toMatch(text), PATIENCE);
  }

  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM');
    await once(this.process, 'close');
    return this.process.exitCode;
  }
}

let up: Up | undefined;

afterEach(async () => {
  if (up && up.process.exitCode === null && up.process.signalCode === null) {
    up.process.kill('SIGKILL');
    await once(up.process, 'close');
  }
  up = undefined;
});

const PAIR = {
  sourceRows: 'id,name,mail,status\n1,Ada,ada@example.org,on\n',
  targetRows: 'key,name,mail,state\n',
  mapping: `interval: 30s
  correlate: [ { source: mail, target: mail } ]
  attributes: [ { target: key, expression: "'a' + source.id" }, { target: name, from: name }, { target: mail, from: mail } ]`,
};

describe('rollcall up', () => {
  it('reconciles a folder, follows its edits, and prints what kubectl get -w would', async () => {
    using folder = csvPair(PAIR);
    up = new Up(folder);
    await up.shows(/^NAME +SOURCE +TARGET +MODE +READY +REASON +IN-SYNC +PENDING +FAILED +LAST-RUN$/m);
    await up.shows(/^default\/map +left +right +Enforce +True +Succeeded +True +0 +0 /m);
    expect(folder.read('target.csv')).toContain('a1,Ada');
    folder.edit('manifests.yaml', (text) => text.replace('mode: Enforce', 'mode: Observe'));
    folder.write('source.csv', `${PAIR.sourceRows}2,Grace,grace@example.org,on\n`);
    await up.shows(/^default\/map +left +right +Observe +True +PlanPending +False +1 +0 /m);
    expect(folder.read('target.csv')).not.toContain('Grace');
    const events = readFileSync(join(folder.path, '.rollcall/events.jsonl'), 'utf8').trim().split('\n');
    const reasons = events.map((line) => (JSON.parse(line) as { reason: string }).reason);
    expect(reasons).toEqual(expect.arrayContaining(['SystemConnected', 'RunStarted', 'RunSucceeded']));
    expect(`${up.out}${events.join('')}`).not.toMatch(/Ada|Grace|example\.org/);
    expect(await up.stop()).toBe(0);
    expect(up.errors).toBe('');
  });

  it('holds the state folder alone, and lets others look', async () => {
    using folder = csvPair(PAIR);
    up = new Up(folder);
    await up.shows(/Succeeded/);
    const run = await folder.run('run', 'DIR');
    expect(run).toMatchObject({ exitCode: 1 });
    expect(run.stderr).toContain(`in use by process ${up.process.pid}`);
    const get = await folder.run('get', 'mappings', 'DIR');
    expect(get.stdout).toMatch(/^default\/map .* True +Succeeded /m);
    const second = await rollcall(['up', folder.path]);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain(`in use by process ${up.process.pid}`);
    expect(await up.stop()).toBe(0);
    expect(await folder.run('run', 'DIR')).toMatchObject({ exitCode: 0 });
  });

  it.each([
    { words: ['up'], says: /rollcall up needs DIR/ },
    { words: ['up', '-'], says: /not standard input/ },
    { words: ['up', 'a', 'b'], says: /takes one DIR, not also 'b'/ },
    { words: ['up', 'a', '--concurrent-runs', '0'], says: /--concurrent-runs takes a number from 1 to 99/ },
    { words: ['up', 'a', '--probe-interval', 'soon'], says: /--probe-interval takes a duration from 1s on/ },
    {
      words: ['up', 'a', '--log-level', 'loud'],
      says: /--log-level takes debug, info, warn, error, not 'loud'/,
    },
    { words: ['operator', '--metrics-address', '8080'], says: /--metrics-address takes host:port or :port/ },
    { words: ['operator', '--nonsense'], says: /--nonsense/ },
  ])('$words: refused with the way out', async ({ words, says }) => {
    const done = await rollcall(words);
    expect(done.exitCode).toBe(3);
    expect(done.stderr).toMatch(says);
  });

  it.each(['up', 'operator'])('%s --help teaches', async (word) => {
    const done = await rollcall([word, '--help']);
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(done.stdout).toContain(`rollcall ${word}`);
    expect((await rollcall(['help', word])).stdout).toBe(done.stdout);
  });
});
