/** A process that writes is killed anywhere: what flush or begin returned for is there, and the file is sound. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';

import { findMapping } from '../../src/store/mappings.ts';
import { SqliteMemory } from '../../src/store/memory.ts';
import { openState } from '../../src/store/state.ts';
import { startChild } from '../support/child.ts';

const KILLS = 20;
const ENDS = { sourceSystem: 'd/hr', sourceObject: 'person', targetSystem: 'd/dir', targetObject: 'account' };

/** Each round begins an intent, then settles it with its link and what it cost; it says what is done as soon as it is. */
const writer = (folder: string, from: number): string => `
  import { writeSync } from 'node:fs';
  import { openState } from './src/store/state.ts';
  import { mappingRow } from './src/store/mappings.ts';
  import { SqliteMemory } from './src/store/memory.ts';
  import { intent, link } from './test/support/store-values.ts';
  const ends = ${JSON.stringify(ENDS)};
  using state = openState(${JSON.stringify(folder)}, process.pid);
  const mapping = mappingRow(state.database, { name: 'd/a', ends, linksFrom: undefined }, 1);
  const memory = new SqliteMemory(state.database, { mapping, ends, run: 1, forgottenBefore: 0 });
  writeSync(1, 'ready\\n');
  for (let at = ${from}; ; at++) {
    memory.begin([intent('i' + at)]);
    writeSync(1, 'begun ' + at + '\\n');
    memory.links.put(link('s' + at, 't' + at));
    memory.settle([{ intent: 'i' + at, outcome: 'Applied' }]);
    memory.spend(at, [{ side: 'Target', effect: 'Create', attribute: '', count: 1 }]);
    memory.flush();
    writeSync(1, 'done ' + at + '\\n');
  }`;

it(`survives ${KILLS} kills at any moment`, { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-kill-'));
  let next = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    await using child = startChild(writer(folder, next));
    await child.line('ready');
    await sleep(Math.random() * 60);
    child.process.kill('SIGKILL');
    await child.ended();
    const highest = (start: string): number =>
      Math.max(
        next - 1,
        ...child.lines.filter((one) => one.startsWith(start)).map((one) => Number(one.split(' ')[1])),
      );
    const [begun, done] = [highest('begun'), highest('done')];
    using state = openState(folder, process.pid);
    expect(state.database.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' });
    const mapping = findMapping(state.database, 'd/a') ?? 0;
    const memory = new SqliteMemory(state.database, { mapping, ends: ENDS, run: 1, forgottenBefore: 0 });
    const linked = memory.links.count();
    // One more than was said may be there: the kill came between the flush and the word.
    expect(linked).toBeGreaterThanOrEqual(done + 1);
    expect(linked).toBeLessThanOrEqual(done + 2);
    expect(memory.links.bySource(`s${done}`)?.targetKey).toBe(done < 0 ? undefined : `t${done}`);
    expect(memory.spent(0)).toMatchObject(linked === 0 ? [] : [{ count: linked }]);
    const open = memory.unfinished().map(({ id }) => id);
    if (begun >= linked) expect(open).toEqual([`i${begun}`]);
    for (const id of open) expect(id).toBe(`i${linked}`);
    memory.settle(open.map((id) => ({ intent: id, outcome: 'Refused' })));
    memory.links.remove(`s${linked}`);
    next = linked;
  }
  rmSync(folder, { recursive: true });
  expect(next).toBeGreaterThan(KILLS);
});
