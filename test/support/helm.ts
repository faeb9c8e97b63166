/** The chart through a real helm: what it renders and what it says. HELM names another one, such as a Helm 3. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { goProgram } from './go-programs.ts';

export const CHART: string = new URL('../../charts/rollcall', import.meta.url).pathname;

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [member: string]: unknown;
}

export type Values = Readonly<Record<string, unknown>>;

export interface Release {
  readonly name?: string;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  /** Another one than ours. */
  readonly chart?: string;
}

/** `helm COMMAND RELEASE CHART`; resolves with standard output, and rejects with everything that helm said. */
export async function helm(
  command: 'install' | 'upgrade' | 'template' | 'lint' | 'uninstall',
  release: Release,
  values: Values = {},
  ...more: readonly string[]
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-helm-'));
  try {
    const file = join(folder, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    const program = process.env['HELM'] ?? (await goProgram('helm'));
    const { stdout } = await promisify(execFile)(program, [...wordsOf(command, release, file), ...more], {
      maxBuffer: 1 << 24,
      env: { ...process.env, ...ownFolders(folder) },
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${stdout}${stderr}` || String(error), { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function wordsOf(
  command: string,
  { name = 'rollcall', namespace = 'rollcall-system', kubeconfig = '/nowhere', chart = CHART }: Release,
  values: string,
): string[] {
  const release = command === 'lint' ? [] : [name];
  const what = command === 'uninstall' ? [] : [chart, '--values', values];
  return [command, ...release, ...what, '--namespace', namespace, '--kubeconfig', kubeconfig];
}

/** So that nobody's plugins and settings take part. */
function ownFolders(folder: string): NodeJS.ProcessEnv {
  return Object.fromEntries(
    ['CACHE', 'CONFIG', 'DATA'].map((what) => [`HELM_${what}_HOME`, join(folder, what)]),
  );
}

/** What an installation with these values consists of. */
export async function render(values: Values = {}, release: Release = {}): Promise<KubernetesObject[]> {
  return parseObjects(await helm('template', release, values));
}

export function parseObjects(text: string): KubernetesObject[] {
  const documents = parseAllDocuments(text, { version: '1.1' });
  if ('empty' in documents) return [];
  const broken = documents.flatMap(({ errors }) => errors);
  if (broken[0] !== undefined) throw broken[0];
  return documents
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((one) => one !== null);
}

/** `Kind namespace/name`, sorted. */
export function namesOf(objects: readonly KubernetesObject[]): string[] {
  return objects.map(nameOf).toSorted();
}

export function nameOf({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** The one object of that kind (and name). */
export function pick(objects: readonly KubernetesObject[], kind: string, name?: string): KubernetesObject {
  const found = objects.filter(
    (object) => object.kind === kind && (name ?? object.metadata.name) === object.metadata.name,
  );
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} objects ${kind} ${name ?? ''} among ${namesOf(objects).join(', ')}`);
  return found[0];
}
