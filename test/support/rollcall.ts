/** Runs the program as a user does: a folder of files, a command, and what came of it. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadContract, type Contract } from '../../src/api/validation.ts';
import { runCommand } from '../../src/cli/command.ts';
import { parseSettings } from '../../src/settings.ts';

export const PROGRAM: string = new URL('../../src/main.ts', import.meta.url).pathname;

/** The program is started hundreds of times: what one has compiled the next need not. */
const COMPILED = join(tmpdir(), `rollcall-compiled-${String(process.getuid?.() ?? 0)}`);

export interface EntryOfDocument {
  readonly situation: string | null;
  readonly row: string | null;
  readonly changes: readonly string[];
  readonly response: string | null;
  readonly rule: string | null;
  readonly source: string | null;
  readonly target: string | null;
  readonly outcome: string;
  readonly held: { readonly by: string; readonly reason: string } | null;
  readonly differences: readonly {
    readonly attribute: string;
    readonly author: string | null;
    readonly from: readonly unknown[];
    readonly to: readonly unknown[];
  }[];
  readonly error: {
    readonly code: string;
    readonly attribute: string | null;
    readonly rule: string | null;
    readonly message: string;
  } | null;
}

export interface RunOfDocument {
  readonly mapping: string;
  readonly id: string;
  readonly mode: string;
  readonly trigger: string;
  readonly outcome: string;
  readonly source: {
    readonly entries: number;
    readonly complete: string;
    readonly proof: string | null;
    readonly reason: string | null;
  };
  readonly target: {
    readonly entries: number;
    readonly complete: string;
    readonly proof: string | null;
    readonly reason: string | null;
  };
  readonly situations: readonly {
    readonly name: string;
    readonly count: number;
    readonly planned: number;
    readonly applied: number;
    readonly held: number;
    readonly failed: number;
  }[];
  readonly totals: Readonly<
    Record<'inSync' | 'planned' | 'applied' | 'held' | 'failed' | 'pending', number>
  > & { readonly planDigest: string };
  readonly plan: { readonly digest: string; readonly operations: number; readonly expiresAt: string } | null;
  readonly entries: readonly EntryOfDocument[];
}

export interface DocumentOf {
  readonly apiVersion: string;
  readonly exitCode: number;
  readonly problems: readonly {
    readonly rule: string;
    readonly message: string;
    readonly mapping: string | null;
  }[];
  readonly runs: readonly RunOfDocument[];
}

export interface Done {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'rollcall-test-'));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string | Uint8Array): void {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  edit(name: string, change: (text: string) => string): void {
    this.write(name, change(this.read(name)));
  }

  /** `DIR` in the words stands for this folder. */
  run(...words: string[]): Promise<Done> {
    return rollcall(words.map((word) => (word === 'DIR' ? this.path : word)));
  }

  /** `rollcall run DIR -o json` and the like: the document, which is also what the exit code says. */
  async document(command: 'run' | 'plan', ...words: string[]): Promise<DocumentOf> {
    const done = await this.run(command, 'DIR', '-o', 'json', ...words);
    const document = JSON.parse(done.stdout) as DocumentOf;
    if (document.exitCode !== done.exitCode)
      throw new Error(`exit code ${done.exitCode}, the document says ${document.exitCode}`);
    return document;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function rollcall(words: readonly string[], input = ''): Promise<Done> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED };
    const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: 'pipe', env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ exitCode: code ?? (signal === null ? -1 : -2), stdout, stderr }),
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** The same without a process of its own: fast, for what needs neither signals nor standard input. */
export async function inProcess(
  words: readonly string[],
  contract: Contract = loadContract(),
): Promise<Done> {
  const text = { stdout: '', stderr: '' };
  const surroundings = {
    contract,
    output: { write: (more: string) => void (text.stdout += more) },
    notes: { write: (more: string) => void (text.stderr += more) },
  };
  const parsed = parseSettings(words);
  if (parsed.kind !== 'Settings') {
    const problems = parsed.kind === 'Invalid' ? parsed.problems : [];
    return { exitCode: 3, stdout: '', stderr: problems.map((one) => `rollcall: ${one}\n`).join('') };
  }
  const { signal } = new AbortController();
  const exitCode = await runCommand(parsed.settings, signal, () => undefined, surroundings);
  return { exitCode, ...text };
}

export interface CsvPair {
  /** Spec of the mapping beside source and target, as YAML flow text. */
  readonly mapping?: string;
  readonly source?: string;
  readonly target?: string;
  /** Rules of the policy, as YAML flow text; undefined: no policy. */
  readonly rules?: string;
  readonly sourceRows: string;
  readonly targetRows: string;
  readonly mode?: 'Observe' | 'Enforce';
  /** Members of both systems' object. */
  readonly sourceObject?: string;
  readonly targetObject?: string;
}

/** Two CSV files, `source.csv` (id, name, mail, status) and `target.csv` (key, name, mail, state), and a mapping. */
export function csvPair(pair: CsvPair): Folder {
  const { mode = 'Enforce', rules } = pair;
  const policy =
    rules === undefined ? '' : `---\n${header('SituationPolicy', 'policy')}\nspec: { rules: [ ${rules} ] }\n`;
  const manifests = `${header('ManagedSystem', 'left')}
spec:
  type: CSV
  csv: { multiValueDelimiter: '|' }
  access: ReadWrite
  objects:
    - { name: person, type: User, id: id, csv: { path: source.csv }, state: { attribute: status, disabled: 'off', enabled: 'on' } ${pair.sourceObject ?? ''} }
---
${header('ManagedSystem', 'right')}
spec:
  type: CSV
  csv: { multiValueDelimiter: '|' }
  access: ReadWrite
  objects:
    - { name: account, type: User, id: key, csv: { path: target.csv }, state: { attribute: state, disabled: 'off', enabled: 'on' } ${pair.targetObject ?? ''} }
---
${header('ReconMapping', 'map')}
spec:
  source: { systemRef: { name: left }, object: person ${pair.source ?? ''} }
  target: { systemRef: { name: right }, object: account ${pair.target ?? ''} }
  mode: ${mode}
  ${rules === undefined ? '' : 'policyRef: { name: policy }'}
  ${pair.mapping ?? MAPPED}
${policy}`;
  return new Folder({
    'manifests.yaml': manifests,
    'source.csv': pair.sourceRows,
    'target.csv': pair.targetRows,
  });
}

const MAPPED = `correlate: [ { source: mail, target: mail } ]
  attributes: [ { target: key, expression: "'a' + source.id" }, { target: name, from: name }, { target: mail, from: mail } ]`;

/** The first lines of a manifest, without the end of the last one. */
export function header(kind: string, name: string): string {
  return `apiVersion: rollcall.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }`;
}
