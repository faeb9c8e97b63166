import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RESPONSES } from '../../src/engine/defaults.ts';
import { SITUATIONS } from '../../src/engine/definition.ts';
import { COMMANDS, STANDALONE } from '../../src/settings.ts';
import { MEANING } from '../../src/cli/words.ts';
import { rollcall } from '../support/rollcall.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const cookbook = new URL('../../examples/cookbook', import.meta.url).pathname;

/** The first cells of the rows of the table under a heading. */
function table(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| (.*) \|$/gm)].map((match) =>
    (match[1] ?? '').split(' | ').map((cell) => cell.trim()),
  );
}

describe('the README', () => {
  it('lists every situation with its meaning and default', () => {
    const rows = table('Situations').slice(2);
    expect(rows.map(([name, , response]) => [name, response])).toEqual(
      SITUATIONS.map((name) => [name, RESPONSES[name].byDefault]),
    );
    for (const [name = '', meaning = ''] of rows)
      expect(MEANING[name as keyof typeof MEANING].startsWith(meaning)).toBe(true);
  });

  it('lists every command', () => {
    const commands = table('Command line')
      .slice(2)
      .map(([command = '']) => /`(\w+)/.exec(command)?.[1]);
    expect(new Set(commands)).toEqual(new Set([...COMMANDS, ...STANDALONE]));
  });

  it('names scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...readme.matchAll(/npm (?:run (?:--silent )?)([a-z]+)/g)].map((match) => match[1]);
    expect(named.length).toBeGreaterThan(5);
    for (const name of named) expect(scripts).toHaveProperty([name ?? '']);
  });

  it('shows a cookbook that validates as it is', async () => {
    expect(await rollcall(['validate', cookbook])).toMatchObject({ exitCode: 0, stderr: '' });
  });
});
