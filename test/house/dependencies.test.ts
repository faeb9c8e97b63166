import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Entry {
  version: string;
  license?: string;
  dev?: boolean;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const read = <T>(path: string): T =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as T;
const lock = read<{ packages: Record<string, Entry> }>('package-lock.json');
const manifest = read<Record<'dependencies' | 'devDependencies', Record<string, string>>>('package.json');

const shipped = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && entry.dev !== true);

/** Come with @kubernetes/client-node, which nothing replaces; both are permissive, one is public domain. */
const exceptions: Readonly<Record<string, string>> = {
  'node_modules/argparse': 'PSF-2.0',
  'node_modules/stream-buffers': 'Unlicense',
};

it.each(shipped)('%s may be shipped under Apache-2.0', (path, entry) => {
  if (entry.license === exceptions[path]) return;
  expect(entry.license).toMatch(/^\(?(MIT|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|ISC|0BSD)\b/);
});

it('every version is exact', () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

it('the lockfile names no host', () => {
  expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
});

it('the lockfile holds every optional dependency, also those of other machines: npm ci refuses one that lacks any', () => {
  const wanted = Object.values(lock.packages).flatMap((entry) =>
    Object.keys(entry.optionalDependencies ?? {}),
  );
  const locked = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')));
  expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
});
