/** `npm run example NAME`: lives through one example on a real directory, and says what it does. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { say, Tour } from './tour.ts';

const here = import.meta.dirname;
const names = readdirSync(here).filter((name) => existsSync(join(here, name, 'tour.ts')));
const [name = ''] = process.argv.slice(2);

if (names.includes(name)) {
  const { tour } = (await import(`./${name}/tour.ts`)) as { tour: (it: Tour) => Promise<void> };
  await using it = await Tour.begin(name);
  await tour(it);
} else {
  say(`npm run example NAME, where NAME is one of:\n  ${names.join('\n  ')}`);
  process.exitCode = 3;
}
