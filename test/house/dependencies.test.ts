import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Package {
  version: string;
  license?: string;
  dev?: boolean;
  resolved?: string;
  link?: boolean;
}

const read = <T>(path: string): T =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as T;
const lock = read<{ packages: Record<string, Package> }>('package-lock.json');
const manifest = read<Record<'dependencies' | 'devDependencies', Record<string, string>>>('package.json');

const shipped = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && entry.dev !== true);

it.each(shipped)('%s may be shipped under Apache-2.0', (_, entry) => {
  expect(entry.license).toMatch(/^\(?(MIT|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|ISC|0BSD)\b/);
});

it('every version is exact', () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

it('the lockfile names no host', () => {
  expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
});
