/** What would be in the image: the Dockerfile's own commands are run, its files are listed, and the program in it starts. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/cli/version.ts';
import { buildImage, parseDockerfile, type Image } from '../support/dockerfile.ts';
import { pick, render } from '../support/helm.ts';
import { csvPair, type Done } from '../support/rollcall.ts';

const root = new URL('../../', import.meta.url).pathname;
const temporary = mkdtempSync(join(tmpdir(), 'rollcall-image-'));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { dev?: boolean; optional?: boolean }>;
};

let image: Image;

beforeAll(async () => {
  image = await buildImage(root, join(temporary, 'one'));
}, 300_000);

afterAll(() => {
  rmSync(temporary, { recursive: true, force: true });
});

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

/** Path → content and whether it may be executed. */
function contentOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    filesOf(folder).map((file) => {
      const path = join(folder, file);
      const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
      return [file, `${hash} ${(statSync(path).mode & 0o111) === 0 ? '' : 'executable'}`];
    }),
  );
}

/** The image's entry point with these words instead of its command. */
async function start(...words: string[]): Promise<Done> {
  const [node, ...entry] = image.entrypoint;
  expect(node).toBe('node');
  const inImage = entry.map((word) => (word.startsWith('/') ? join(image.root, word) : word));
  const options = { cwd: join(image.root, image.folder), env: { ...process.env, ...image.environment } };
  return promisify(execFile)(process.execPath, [...inImage, ...words], options).then(
    ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ ...error, exitCode: error.code }),
  );
}

describe('the image', () => {
  it('holds the program, the definitions and the packages that the program needs', () => {
    expect(readdirSync(join(image.root, 'app')).toSorted()).toEqual([
      'LICENSE',
      'crds',
      'dist',
      'node_modules',
      'package.json',
    ]);
    expect(readdirSync(image.root).toSorted()).toEqual(['app', 'var']);
    expect(readdirSync(join(image.root, 'var/lib/rollcall'))).toEqual(['data']);
  });

  it('has no source, no test, no map and no development dependency', () => {
    const files = filesOf(join(image.root, 'app'));
    expect(files.length).toBeGreaterThan(1000);
    const ours = files.filter((file) => !file.startsWith('node_modules/'));
    expect(
      ours.filter((file) => !/^(dist\/.*\.js|crds\/.*\.yaml|package\.json|LICENSE)$/.test(file)),
    ).toEqual([]);
    expect(files.filter((file) => /\.([mc]?ts|map|bare)$/.test(file))).toEqual([]);
    const unwanted = Object.entries(lock.packages)
      .filter(([path, { dev }]) => path !== '' && dev === true)
      .filter(([path]) => files.some((file) => file.startsWith(`${path}/`)));
    expect(unwanted).toEqual([]);
    for (const name of [...Object.keys(manifest.devDependencies), 'node'])
      expect(files.filter((file) => file.startsWith(`node_modules/${name}/`))).toEqual([]);
  });

  it('has every package that is shipped, with its licence where it has one', () => {
    const files = new Set(filesOf(join(image.root, 'app')));
    for (const [path, { dev, optional }] of Object.entries(lock.packages)) {
      if (path === '' || dev === true || optional === true || path.includes('@types/')) continue;
      expect(files.has(`${path}/package.json`), path).toBe(true);
      const licences = readdirSync(join(root, path)).filter((name) => /^licen[cs]e/i.test(name));
      for (const licence of licences) expect(files.has(`${path}/${licence}`), path).toBe(true);
    }
  });

  it('stays small: without Node.js less than 50 MiB', () => {
    const bytes = filesOf(join(image.root, 'app'))
      .map((file) => statSync(join(image.root, 'app', file)).size)
      .reduce((sum, size) => sum + size, 0);
    expect(bytes / 2 ** 20).toBeLessThan(50);
  });

  it('comes from Node.js as tested, and runs as the user that the chart names', async () => {
    expect(image.base).toBe(`node:${manifest.devDependencies['node'] ?? ''}-trixie-slim`);
    const { template } = pick(await render(), 'Deployment')['spec'] as {
      template: {
        spec: {
          securityContext: { runAsUser: number; runAsGroup: number };
          containers: [{ args: string[]; ports: { containerPort: number }[] }];
        };
      };
    };
    const { securityContext, containers } = template.spec;
    expect(image.user).toBe(`${securityContext.runAsUser}:${securityContext.runAsGroup}`);
    expect(image.ports).toEqual(containers[0].ports.map(({ containerPort }) => String(containerPort)));
    expect(image.command).toEqual([containers[0].args[0]]);
  });

  it('knows its version', async () => {
    expect(await start('--version')).toMatchObject({ exitCode: 0, stdout: `rollcall ${VERSION}\n` });
  });

  it('validates the cookbook', async () => {
    expect(await start('validate', join(root, 'examples/cookbook'))).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  });

  it('takes a roll call', async () => {
    using folder = csvPair({
      sourceRows: 'id,name,mail,status\n1,Ann,ann@example.org,on\n',
      targetRows: 'key,name,mail,state\n',
    });
    expect(await start('run', folder.path)).toMatchObject({ exitCode: 0 });
    expect(folder.read('target.csv')).toBe('key,name,mail,state\na1,Ann,ann@example.org,\n');
  });

  it.each(Object.keys(manifest.dependencies))('has %s, and it loads', async (name) => {
    const load = `await import(${JSON.stringify(name)})`;
    const cwd = join(image.root, 'app');
    await expect(
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', load], { cwd }),
    ).resolves.toMatchObject({ stderr: '' });
  });

  it('comes out the same, byte by byte, when it is built again elsewhere', async () => {
    const again = await buildImage(root, join(temporary, 'another/place'));
    expect(contentOf(again.root)).toEqual(contentOf(image.root));
  }, 300_000);
});

describe('the builder of these tests', () => {
  const context = (dockerfile: string): string => {
    const folder = mkdtempSync(join(temporary, 'context-'));
    cpSync(join(root, '.dockerignore'), join(folder, '.dockerignore'));
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(join(folder, 'secret.txt'), '');
    writeFileSync(join(folder, 'Dockerfile'), dockerfile);
    return folder;
  };
  const build = (dockerfile: string): Promise<Image> => {
    const folder = context(dockerfile);
    return buildImage(folder, join(folder, 'built'));
  };

  it.each([
    {
      fault: 'an instruction it does not know',
      dockerfile: 'FROM a\nADD x y\n',
      says: 'not understood: ADD',
    },
    {
      fault: 'a mount it cannot give',
      dockerfile: 'FROM a\nRUN --mount=type=cache true\n',
      says: 'RUN --mount',
    },
    { fault: 'a flag of COPY', dockerfile: 'FROM a\nCOPY --link a b\n', says: 'COPY --link' },
    {
      fault: 'a file that is ignored',
      dockerfile: 'FROM a\nCOPY secret.txt ./\n',
      says: 'not in the context',
    },
    { fault: 'a stage that is not there', dockerfile: 'FROM a\nCOPY --from=b x y\n', says: 'no stage' },
    { fault: 'a variable that nothing declares', dockerfile: 'FROM a:${B}\n', says: 'nothing declares B' },
    { fault: 'a command that fails', dockerfile: 'FROM a\nRUN false\n', says: 'Command failed' },
  ])('refuses $fault', async ({ dockerfile, says }) => {
    await expect(build(dockerfile)).rejects.toThrow(says);
  });

  it('reads lines that go on, and copies as an engine does', async () => {
    expect(parseDockerfile('FROM a AS b\n# c\nRUN one \\\n    && two\n')).toEqual([
      { name: 'b', base: 'a', instructions: [{ word: 'RUN', rest: 'one && two' }] },
    ]);
    const made = await build(
      'FROM a AS b\nWORKDIR /x\nCOPY package.json ./\nRUN mkdir y && touch y/z\nFROM a\nCOPY --from=b /x/y /there\nCOPY package.json /as\n',
    );
    expect(filesOf(made.root)).toEqual(['as', 'there/z']);
  });
});
