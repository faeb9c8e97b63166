import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-go-'));
  await mkdir(join(folder, 'bin'));
});

afterEach(() => rm(folder, { recursive: true }));

const module = new URL('../support/go-programs.ts', import.meta.url).href;

/** Asks for a program in a process of its own, with a cache and a Go of the test's own. */
async function ask(program: string, environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const code = `const { goProgram } = await import(${JSON.stringify(module)}); console.log(await goProgram('${program}'));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, XDG_CACHE_HOME: folder, ...environment },
  });
  return stdout.trim();
}

/** Writes what it was called with, and after a moment makes the file that helm would be. */
async function installGo(more = ''): Promise<void> {
  const script = `#!/bin/sh\necho "$@" >> '${folder}/calls'\nsleep 1\n${more}\necho helm > "$GOBIN/helm"\n`;
  await writeFile(join(folder, 'bin', 'go'), script);
  await chmod(join(folder, 'bin', 'go'), 0o755);
}

describe('a program that is built from Go modules', () => {
  it('is built once, though two ask at the same time', async () => {
    await installGo();
    const [one, other] = await Promise.all([ask('helm'), ask('helm')]);
    expect(other).toBe(one);
    expect(await readFile(one, 'utf8')).toBe('helm\n');
    expect((await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n')).toHaveLength(1);
    expect(await ask('helm', { PATH: '/nowhere' })).toBe(one); // without Go, once it is there
  });

  it('that could not be built leaves nothing behind', async () => {
    await installGo('exit 1');
    await expect(ask('helm')).rejects.toThrow('install it by: curl');
    const left = await readdir(join(folder, 'rollcall', 'control-plane'));
    expect(left.filter((name) => name !== '.lock')).toEqual([]);
  });

  it('asks for Go where it is missing', async () => {
    await expect(ask('helm', { PATH: '/nowhere' })).rejects.toThrow('Go is missing; install it by: curl');
  });

  it('is taken from KUBEBUILDER_ASSETS where that is set, and has to be there', async () => {
    const assets = join(folder, 'assets');
    await mkdir(assets);
    await writeFile(join(assets, 'etcd'), '');
    const found = await ask('etcd', { KUBEBUILDER_ASSETS: assets });
    expect(dirname(found)).toBe(assets);
    await expect(ask('kubectl', { KUBEBUILDER_ASSETS: assets })).rejects.toThrow('has no kubectl');
  });
});
