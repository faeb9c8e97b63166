/**
 * A gate that sees nothing and passes is worse than none. Here every gate is shown a fault in a small house of its
 * own, with the real configuration, and has to go red for it; and it is shown what is allowed, and has to stay green.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const house = mkdtempSync(join(tmpdir(), 'rollcall-house-'));

const configuration = [
  '.oxlintrc.json',
  '.prettierrc.json',
  'knip.json',
  'package.json',
  'tsconfig.json',
  'test/tsconfig.json',
];

interface Import {
  readonly folder: string;
  readonly imports: string;
}

const ours = [
  'api',
  'cli',
  'connectors',
  'controller',
  'engine',
  'expressions',
  'kube',
  'local',
  'observe',
  'runner',
  'store',
];
/** STYLE's table: which folders a folder may import whole. Single files and packages come below. */
const allowedFolders: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  engine: [],
  expressions: ['engine'],
  store: ['engine'],
  connectors: ['engine'],
  api: [],
  controller: ['api', 'engine'],
  kube: ['api'],
  local: ['api'],
  observe: [],
  runner: ['api', 'connectors', 'controller', 'engine', 'expressions', 'store'],
};

const forbiddenImports: readonly Import[] = [
  ...Object.entries(allowedFolders).flatMap(([folder, allowed]) =>
    ours
      .filter((other) => other !== folder && !allowed.includes(other))
      .map((other) => ({ folder, imports: `../${other}/something.ts` })),
  ),
  ...['../operator.ts', '../main.ts', '../settings.ts', '../run-controllers.ts', './index.ts'].flatMap(
    (imports) => Object.keys(allowedFolders).map((folder) => ({ folder, imports })),
  ),
  { folder: 'engine', imports: 'ajv' },
  { folder: 'engine', imports: '@bufbuild/cel' },
  { folder: 'engine', imports: 'node:crypto' },
  { folder: 'engine', imports: 'fs' },
  { folder: 'controller', imports: '@kubernetes/client-node' },
  { folder: 'controller', imports: 'ldapts' },
  { folder: 'controller', imports: '../connectors/registry.ts' },
  { folder: 'controller', imports: '../connectors/csv/connector.ts' },
  { folder: 'store', imports: '../connectors/csv/read.ts' },
  { folder: 'local', imports: '@kubernetes/client-node' },
  { folder: 'local', imports: '../controller/work-queue.ts' },
  { folder: 'kube', imports: '../controller/controller.ts' },
  { folder: 'observe', imports: '../engine/entry.ts' },
  { folder: 'runner', imports: '@kubernetes/client-node' },
  { folder: 'connectors/csv', imports: '../ldap/session.ts' },
  { folder: 'connectors/ldap', imports: '../csv/read.ts' },
  { folder: 'connectors/csv', imports: '../../store/links.ts' },
  { folder: 'connectors/csv', imports: '../../api/names.ts' },
];

const allowedImports: readonly Import[] = [
  ...Object.keys(allowedFolders).map((folder) => ({ folder, imports: '../lib/secret.ts' })),
  ...Object.entries(allowedFolders).flatMap(([folder, allowed]) =>
    allowed.map((other) => ({ folder, imports: `../${other}/something.ts` })),
  ),
  { folder: 'store', imports: '../connectors/connector.ts' },
  { folder: 'controller', imports: '../connectors/connector.ts' },
  { folder: 'kube', imports: '../controller/ports.ts' },
  { folder: 'kube', imports: '@kubernetes/client-node' },
  { folder: 'local', imports: '../controller/ports.ts' },
  { folder: 'observe', imports: '../engine/ports.ts' },
  { folder: 'observe', imports: '../controller/ports.ts' },
  { folder: 'connectors/csv', imports: '../connector.ts' },
  { folder: 'connectors/csv', imports: '../../engine/entry.ts' },
  { folder: 'connectors/csv', imports: 'csv-parse' },
  { folder: 'expressions', imports: '@bufbuild/cel' },
  { folder: 'cli', imports: '../connectors/registry.ts' },
];

const wordyLines = (count: number): string =>
  Array.from({ length: count }, (_, line) => `  use(${line});`).join('\n');

/** Faults of one file each, and the rule that has to see it. */
const faults: readonly { fault: string; file: string; code: string; rule: string }[] = [
  {
    fault: 'a cycle of imports',
    file: 'src/cli/cycle-a.ts',
    code: `import { b } from './cycle-b.ts';\nexport const a = (): number => b();`,
    rule: 'import(no-cycle)',
  },
  {
    fault: 'the other half of the cycle',
    file: 'src/cli/cycle-b.ts',
    code: `import { a } from './cycle-a.ts';\nexport const b = (): number => a();`,
    rule: 'import(no-cycle)',
  },
  {
    fault: 'a default export',
    file: 'src/cli/default.ts',
    code: 'export default 1;',
    rule: 'import(no-default-export)',
  },
  { fault: 'console', file: 'src/cli/console.ts', code: `console.log('here');`, rule: 'eslint(no-console)' },
  {
    fault: 'a floating promise',
    file: 'src/cli/floating.ts',
    code: 'async function wait(): Promise<void> {}\nwait();',
    rule: 'typescript(no-floating-promises)',
  },
  {
    fault: 'a promise where a function is called back',
    file: 'src/cli/misused.ts',
    code: '[1].forEach(async () => {});',
    rule: 'typescript(no-misused-promises)',
  },
  {
    fault: 'any',
    file: 'src/cli/any.ts',
    code: 'export const anything: any = 1;',
    rule: 'typescript(no-explicit-any)',
  },
  {
    fault: 'an unsafe call',
    file: 'src/cli/unsafe.ts',
    code: `JSON.parse('1')();`,
    rule: 'typescript(no-unsafe-call)',
  },
  {
    fault: 'an unsafe assignment',
    file: 'src/cli/assign.ts',
    code: `export const text: string = JSON.parse('1');`,
    rule: 'typescript(no-unsafe-assignment)',
  },
  {
    fault: 'a non-null assertion',
    file: 'src/cli/non-null.ts',
    code: 'export const first = (list: number[]): number => list[0]!;',
    rule: 'typescript(no-non-null-assertion)',
  },
  {
    fault: 'a thrown string',
    file: 'src/cli/throw.ts',
    code: `throw 'up';`,
    rule: 'typescript(only-throw-error)',
  },
  {
    fault: 'a switch that forgets a case',
    file: 'src/cli/switch.ts',
    code: `export function f(word: 'a' | 'b'): void {\n  switch (word) {\n    case 'a':\n      break;\n  }\n}`,
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  {
    fault: 'a function of 60 lines',
    file: 'src/cli/long.ts',
    code: `declare function use(line: number): void;\nexport function long(): void {\n${wordyLines(60)}\n}`,
    rule: 'eslint(max-lines-per-function)',
  },
  {
    fault: 'a file of 310 lines',
    file: 'src/cli/huge.ts',
    code: `declare function use(line: number): void;\n${wordyLines(310)}`,
    rule: 'eslint(max-lines)',
  },
  {
    fault: 'too many parameters',
    file: 'src/cli/params.ts',
    code: 'export const f = (a: number, b: number, c: number, d: number, e: number): number => a + b + c + d + e;',
    rule: 'eslint(max-params)',
  },
  {
    fault: 'too many branches',
    file: 'src/cli/complex.ts',
    code: `export const f = (n: number): number => ${Array.from({ length: 11 }, (_, n) => `n === ${n} ? ${n + 1} : `).join('')}0;`,
    rule: 'eslint(complexity)',
  },
  {
    fault: 'deep nesting',
    file: 'src/cli/deep.ts',
    code: 'export function f(n: number): void {\n  if (n) { if (n > 1) { if (n > 2) { if (n > 3) { f(0); } } } }\n}',
    rule: 'eslint(max-depth)',
  },
  {
    fault: 'a clock in the engine',
    file: 'src/engine/clock.ts',
    code: 'export const now = (): number => Date.now();',
    rule: 'eslint(no-restricted-globals)',
  },
  {
    fault: 'a timer in the engine',
    file: 'src/engine/timer.ts',
    code: 'setTimeout(() => {}, 1);',
    rule: 'eslint(no-restricted-globals)',
  },
  {
    fault: 'the process in the engine',
    file: 'src/engine/process.ts',
    code: 'export const id: number = process.pid;',
    rule: 'eslint(no-restricted-globals)',
  },
  {
    fault: 'chance in the engine',
    file: 'src/engine/chance.ts',
    code: 'export const chance = (): number => Math.random();',
    rule: 'eslint(no-restricted-properties)',
  },
  {
    fault: 'a floating promise in a test',
    file: 'test/floating.ts',
    code: 'async function wait(): Promise<void> {}\nwait();',
    rule: 'typescript(no-floating-promises)',
  },
];

const fileOf = (kind: string, index: number, folder: string): string => `src/${folder}/${kind}-${index}.ts`;

const codeFor = (imports: string): string =>
  `import { something } from '${imports}';\nexport const use = (): unknown => something as unknown;\n`;

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

let diagnostics: readonly Diagnostic[];

function write(file: string, text: string): void {
  mkdirSync(dirname(join(house, file)), { recursive: true });
  writeFileSync(join(house, file), text);
}

/** Whether the tool accepts the house as it stands, and what it says. */
function run(tool: string, ...args: string[]): { green: boolean; says: string } {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', tool), args, {
    cwd: house,
    encoding: 'utf8',
  });
  return { green: status === 0, says: stdout + stderr };
}

beforeAll(() => {
  for (const file of configuration) {
    mkdirSync(dirname(join(house, file)), { recursive: true });
    cpSync(join(root, file), join(house, file));
  }
  symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'));
  for (const folder of [...ours, 'lib', 'connectors/csv', 'connectors/ldap'])
    mkdirSync(join(house, 'src', folder), { recursive: true });
  mkdirSync(join(house, 'examples'));
  for (const [index, { folder, imports }] of forbiddenImports.entries())
    write(fileOf('forbidden', index, folder), codeFor(imports));
  for (const [index, { folder, imports }] of allowedImports.entries())
    write(fileOf('allowed', index, folder), codeFor(imports));
  for (const { file, code } of faults) write(file, `${code}\n`);
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: { lint: string };
  };
  const { says } = run('oxlint', ...scripts.lint.split(' ').slice(1), '--format=json');
  diagnostics = (JSON.parse(says) as { diagnostics: Diagnostic[] }).diagnostics;
});

afterAll(() => {
  rmSync(house, { recursive: true });
});

function rulesBrokenIn(file: string): string[] {
  return diagnostics.filter(({ filename }) => filename === file).map(({ code }) => code);
}

describe('the linter, called as npm run lint does', () => {
  it.each(forbiddenImports.map((each, index) => ({ ...each, index })))(
    '$folder may not import $imports',
    ({ folder, index }) => {
      expect(rulesBrokenIn(fileOf('forbidden', index, folder))).toContain('eslint(no-restricted-imports)');
    },
  );

  it.each(allowedImports.map((each, index) => ({ ...each, index })))(
    '$folder may import $imports',
    ({ folder, index }) => {
      expect(rulesBrokenIn(fileOf('allowed', index, folder))).not.toContain('eslint(no-restricted-imports)');
    },
  );

  it.each(faults)('sees $fault', ({ file, rule }) => {
    expect(rulesBrokenIn(file)).toContain(rule);
  });
});

describe('the other gates', () => {
  beforeAll(() => {
    rmSync(join(house, 'src'), { recursive: true });
    rmSync(join(house, 'test/floating.ts'));
    write('src/main.ts', `import { greet } from './greet.ts';\n\nprocess.stdout.write(greet('you'));\n`);
    write('src/greet.ts', 'export function greet(name: string): string {\n  return `Hello ${name}`;\n}\n');
  });

  it('the compiler, the formatter and the linter are content with a small house in order', () => {
    const said = [
      run('tsc', '-p', 'test/tsconfig.json'),
      run('prettier', '--check', 'src'),
      run('oxlint', 'src', 'test'),
    ];
    expect(said.filter(({ green }) => !green)).toEqual([]);
  });

  it('the compiler sees a type that does not fit', () => {
    write('src/wrong.ts', `export const count: number = 'three';\n`);
    const { green, says } = run('tsc', '-p', 'test/tsconfig.json');
    rmSync(join(house, 'src/wrong.ts'));
    expect([green, says]).toEqual([false, expect.stringContaining('src/wrong.ts(1,14): error TS2322')]);
  });

  it('the formatter sees a file that nobody formatted', () => {
    write('src/ugly.ts', 'export const  ugly = "yes"\n');
    const { green, says } = run('prettier', '--check', 'src');
    rmSync(join(house, 'src/ugly.ts'));
    expect([green, says]).toEqual([false, expect.stringContaining('src/ugly.ts')]);
  });

  it('knip sees an export that nobody uses, and a file that nobody imports', () => {
    write('src/greet.ts', `${readFileSync(join(house, 'src/greet.ts'), 'utf8')}\nexport const unused = 1;\n`);
    write('src/orphan.ts', 'export const orphan = 1;\n');
    const { green, says } = run('knip', '--include', 'files,exports');
    expect([green, says]).toEqual([false, expect.stringContaining('src/orphan.ts')]);
    expect(says).toMatch(/unused +src\/greet\.ts/);
  });
});

it('no tracked file names a place on somebody’s machine, or the host of a registry', () => {
  // Written so that this file does not find itself.
  const places = ['/' + 'work/', '/' + 'root/', '/' + 'home/', '/' + 'Users/', '..' + '/shared'];
  const hosts = ['registry.' + 'npmjs', 'registry.' + 'yarnpkg', 'npm.' + 'pkg'];
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean);
  const found = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return [...places, ...hosts].filter((words) => text.includes(words)).map((words) => `${file}: ${words}`);
  });
  expect(files.length).toBeGreaterThan(20);
  expect(found).toEqual([]);
});
