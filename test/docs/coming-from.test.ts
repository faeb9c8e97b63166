/** Whoever comes from another system is told of fields, situations, responses and commands that are there. */
import { describe, expect, it } from 'vitest';
import { RESPONSES } from '../../src/engine/defaults.ts';
import { SITUATIONS, type Situation } from '../../src/engine/definition.ts';
import { COMMANDS, STANDALONE } from '../../src/settings.ts';
import { readPage, rowsUnder } from '../support/walked-page.ts';
import { fieldsOfKinds } from './generate-reference.ts';

const known = new Set(
  Object.values(await fieldsOfKinds())
    .flat()
    .map(({ path }) => path),
);
const responses = new Set<string>(Object.values(RESPONSES).flatMap(({ allowed }) => allowed));
const codes = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

describe.each(['from-openiam', 'from-wren-idm'])('docs/%s.md', (name) => {
  const page = readPage(name);

  it('names fields that the definitions have', () => {
    const fields = codes(page).filter((code) => /^(spec|status)\./.test(code));
    expect(fields.length).toBeGreaterThan(25);
    for (const field of fields) expect([...known], field).toContain(field.replace(/\[\]$/, ''));
  });

  it('names commands that are there', () => {
    const commands = codes(page).flatMap((code) => /^rollcall (\w+)/.exec(code)?.[1] ?? []);
    expect(commands.length).toBeGreaterThan(3);
    for (const command of commands) expect([...COMMANDS, ...STANDALONE]).toContain(command);
  });

  it('tells every situation', () => {
    const told = rowsUnder(page, 'Situations').flatMap((cells) => codes(cells.slice(1).join(' ')));
    for (const word of told.filter((one) => !one.includes('.')))
      expect([...SITUATIONS, ...responses]).toContain(word);
    const added = ['Moved', 'SourceDeleted'];
    for (const situation of SITUATIONS.filter((one) => name === 'from-openiam' || !added.includes(one)))
      expect(told).toContain(situation);
  });

  it('gives responses that are there', () => {
    const heading = name === 'from-openiam' ? 'Responses' : 'Actions';
    const given = rowsUnder(page, heading).flatMap((cells) => codes(cells[1] ?? ''));
    expect(given.length).toBeGreaterThan(7);
    for (const response of given) expect([...responses]).toContain(response);
  });
});

it('docs/from-wren-idm.md gives the defaults as they are', () => {
  const rows = rowsUnder(readPage('from-wren-idm'), 'Situations');
  expect(rows).toHaveLength(13);
  for (const [theirs = '', , ours = '', preset = ''] of rows) {
    const situation = codes(ours)[0] ?? '';
    expect(theirs.replaceAll('_', '')).toBe(situation.toUpperCase());
    expect(codes(preset)[0]).toBe(RESPONSES[situation as Situation].byDefault);
  }
});
