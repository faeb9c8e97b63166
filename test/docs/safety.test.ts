/** docs/safety.md: its figures are those of the code, and what it says of each limit is what a run does. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { DEFAULT_BUDGETS, HELD_PLAN_LIFETIME_MS, DAY_MS } from '../../src/engine/defaults.ts';
import { REFUSALS_UNTIL_STOP, SHRINK_ALLOWANCE, VANISH_THRESHOLD } from '../../src/engine/defaults.ts';
import { loadContract, validateObject } from '../../src/api/validation.ts';
import { csvPair, type CsvPair, type Folder } from '../support/rollcall.ts';
import { readPage, rowsUnder } from '../support/walked-page.ts';

const PAGE = readPage('safety');
const ROWS = new Map(
  rowsUnder(PAGE, 'Every limit').map(([limit = '', preset, , outcome, exitCode]) => [
    limit.replaceAll('`', ''),
    { preset, outcome, exitCode: Number(exitCode) },
  ]),
);
const IDS = Array.from({ length: 60 }, (_, at) => at + 1);
const row = (id: number, name = `N${id}`): string => `${id},${name},m${id}@example.org,\n`;
const file = (ids: readonly number[], name?: (id: number) => string): string =>
  `id,name,mail,status\n${ids.map((id) => row(id, name?.(id))).join('')}`;
const MAPPED = `correlate: [ { source: mail, target: mail } ]
  attributes: [ { target: key, expression: "'a' + source.id" }, { target: name, from: name }, { target: mail, from: mail } ]`;
const RULES =
  '{ name: gone, situations: [SourceMissing], response: RESPONSE }, { name: lost, situations: [Missing], response: CreateTarget }';

interface Play {
  readonly limit: string;
  readonly options?: Partial<CsvPair>;
  readonly response?: string;
  /** How many are there at first. */
  readonly first?: number;
  /** Runs before it: the first one sees an empty target. */
  readonly runs?: number;
  readonly act: (folder: Folder) => void;
}

const leave = (count: number) => (folder: Folder) => folder.write('source.csv', file(IDS.slice(count)));
const lose = (count: number) => (folder: Folder) =>
  folder.edit('target.csv', (text) =>
    text
      .split('\n')
      .filter((_, at) => at === 0 || at > count)
      .join('\n'),
  );
const guarded = (mode: string): Partial<CsvPair> => ({
  mapping: `${MAPPED}\n  guards: { onExceeded: ${mode} }`,
});

const PLAYS: readonly Play[] = [
  { limit: 'SourceShrunk', act: leave(7) },
  { limit: 'TargetShrunk', runs: 2, act: lose(7) },
  { limit: 'EmptySource', act: leave(60) },
  { limit: 'EmptyTarget', act: lose(60) },
  {
    limit: 'AttributeVanished',
    act: (folder) =>
      folder.write(
        'source.csv',
        file(IDS, () => ''),
      ),
  },
  { limit: 'InvalidRow', act: (folder) => folder.write('source.csv', `${file(IDS.slice(0, -1))}60,short\n`) },
  { limit: 'DuplicateKey', act: (folder) => folder.write('source.csv', file([...IDS, 60])) },
  { limit: 'Create', first: 5, act: (folder) => folder.write('source.csv', file(IDS)) },
  {
    limit: 'Update',
    act: (folder) =>
      folder.write(
        'source.csv',
        file(IDS, (id) => (id > 51 ? `N${id}` : 'New')),
      ),
  },
  {
    limit: 'Clear',
    act: (folder) =>
      folder.write(
        'source.csv',
        file(IDS, (id) => (id > 4 ? `N${id}` : '')),
      ),
  },
  { limit: 'Disable', response: 'DisableTarget', act: leave(4) },
  { limit: 'Delete', act: leave(4) },
  { limit: 'HoldAll', options: guarded('HoldAll'), act: leave(4) },
  { limit: 'Fail', options: guarded('Fail'), act: leave(4) },
  {
    limit: 'protect',
    act: (folder) => {
      const whole = 'metadata: { name: right }\nspec:';
      folder.edit('manifests.yaml', (text) =>
        text.replace(whole, `${whole}\n  protect: ["entry.key == 'a1'"]`),
      );
      folder.write(
        'source.csv',
        file(IDS, (id) => (id === 1 ? 'New' : `N${id}`)),
      );
    },
  },
];

describe('docs/safety.md', () => {
  it.each(PLAYS)('$limit ends as its row says', async (play) => {
    const { limit, options, response = 'DeleteTarget', first, runs = 1, act } = play;
    using folder = csvPair({
      sourceRows: file(IDS.slice(0, first)),
      targetRows: 'key,name,mail,state\n',
      rules: RULES.replace('RESPONSE', response),
      ...options,
    });
    for (let run = 0; run < runs; run++) await folder.document('run');
    const before = folder.read('target.csv');
    act(folder);
    const accounts = folder.read('target.csv');
    const document = await folder.document('run');
    const said = ROWS.get(limit);
    expect([document.runs.at(-1)?.outcome, document.exitCode]).toEqual([said?.outcome, said?.exitCode]);
    expect(folder.read('target.csv')).toBe(accounts);
    expect(before.split('\n').length).toBeGreaterThan(5);
  });

  it('gives the limits that the code has', () => {
    for (const effect of ['Create', 'Update', 'Clear', 'Rename', 'Disable', 'Delete'] as const) {
      const { maxPercent, minCount } = DEFAULT_BUDGETS[effect];
      expect(ROWS.get(effect)?.preset, effect).toBe(`${maxPercent} %, at least ${minCount}`);
    }
    const { shrink, window } = defaultsOfGuards();
    expect(ROWS.get('SourceShrunk')?.preset).toBe(`more than ${shrink} % and ${SHRINK_ALLOWANCE} entries`);
    expect(ROWS.get('TargetShrunk')?.preset).toBe(ROWS.get('SourceShrunk')?.preset);
    expect(ROWS.get('AttributeVanished')?.preset).toBe(`from ${VANISH_THRESHOLD} values to none`);
    expect(ROWS.get('Refusals')?.preset).toBe(`${REFUSALS_UNTIL_STOP} in a row, with one code`);
    expect(ROWS.get('Approval')?.preset).toBe(`${HELD_PLAN_LIFETIME_MS / DAY_MS} days`);
    expect(PAGE).toContain(`the last ${window.replace('h', ' hours')} (\`guards.window\`)`);
  });

  it('shows guards that are valid', () => {
    const text = /```yaml\n(.*?)```/s.exec(PAGE)?.[1] ?? '';
    const system = (name: string): object => ({ systemRef: { name }, object: 'account' });
    const mapping = {
      apiVersion: 'rollcall.dev/v1alpha1',
      kind: 'ReconMapping',
      metadata: { name: 'map' },
      spec: { source: system('one'), target: system('other'), ...(parse(text) as object) },
    };
    expect(validateObject(loadContract(), 'ReconMapping', mapping)).toMatchObject({ ok: true });
  });
});

function defaultsOfGuards(): { readonly shrink: number; readonly window: string } {
  const crd = readFileSync(new URL('../../crds/reconmappings.yaml', import.meta.url), 'utf8');
  const valueOf = (name: string): string =>
    new RegExp(`^ *${name}:\\n.*\\n(?:.*\\n)?? *default: (\\S+)$`, 'm').exec(crd)?.[1] ?? '';
  return { shrink: Number(valueOf('maxShrinkPercent')), window: valueOf('window') };
}
