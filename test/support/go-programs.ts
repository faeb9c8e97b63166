/**
 * The programs of a control plane, two judges of an object's status, and helm: built from published Go modules, once,
 * into the user's cache folder. A folder's name is a hash of all that decides its content, so that what is there is
 * never stale; it appears whole or not at all, and of two who need it at once one builds and the other waits.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { arch, homedir, platform } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export type GoProgram =
  'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl' | 'kstatus' | 'argohealth' | 'helm';

interface Recipe {
  readonly programs: readonly GoProgram[];
  readonly version: string;
  /** All that decides what comes out, beside the platform. */
  readonly inputs: readonly string[];
  /** The arguments of `go` that make the programs in the folder. */
  command(folder: string): readonly string[];
  readonly environment: (folder: string) => NodeJS.ProcessEnv;
}

const MODULES = new URL('../control-plane/', import.meta.url).pathname;
const HELM = 'v4.3.1';
/** A cold machine with one core takes some 7 minutes for the slowest. */
const BUILD_TIMEOUT_MS = 1_800_000;
const INSTALL_GO =
  'curl -fsSL https://go.dev/dl/go1.26.8.linux-amd64.tar.gz | sudo tar -C /usr/local -xz && export PATH=$PATH:/usr/local/go/bin';
/** What setup-envtest and others put into KUBEBUILDER_ASSETS; a controller manager is often not among them. */
const ASSETS: readonly GoProgram[] = ['etcd', 'kube-apiserver', 'kubectl', 'kube-controller-manager'];

/** The path of the program, built first where it is not there yet. */
export async function goProgram(name: GoProgram): Promise<string> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '' && ASSETS.includes(name)) {
    const path = join(assets, name);
    if (existsSync(path)) return path;
    if (name !== 'kube-controller-manager')
      throw new Error(`KUBEBUILDER_ASSETS=${assets} has no ${name}; unset it to have one built`);
  }
  const recipe = (await recipes()).find(({ programs }) => programs.includes(name));
  if (recipe === undefined) throw new Error(`nobody knows how to build ${name}`);
  return join(await built(recipe), name);
}

/** So that no test waits for a compiler. */
export async function ensureGoPrograms(): Promise<void> {
  const all: GoProgram[] = [
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kubectl',
    'kstatus',
    'helm',
  ];
  for (const name of all) await goProgram(name);
}

async function recipes(): Promise<Recipe[]> {
  const sources = ['main.go', 'argohealth/main.go'];
  const [kube, etcd, kstatus] = await Promise.all([
    readModule('kube', 'k8s.io/kubernetes', []),
    readModule('etcd', 'go.etcd.io/etcd/server/v3', []),
    readModule('kstatus', 'github.com/fluxcd/cli-utils', sources),
  ]);
  const build = (module: string, out: string, what: string, flags = ''): string[] => [
    'build',
    '-C',
    join(MODULES, module),
    '-buildvcs=false',
    '-trimpath',
    '-ldflags',
    `-s -w ${flags}`,
    '-o',
    out,
    what,
  ];
  const helmStamp = `-s -w -X helm.sh/helm/v4/internal/version.version=${HELM}`;
  return [
    recipe(['kube-apiserver', 'kube-controller-manager', 'kubectl'], kube, (folder) =>
      build('kube', `${folder}/`, 'tool', versionStamps(kube.version)),
    ),
    recipe(['etcd'], etcd, (folder) => build('etcd', join(folder, 'etcd'), 'go.etcd.io/etcd/server/v3')),
    recipe(['kstatus', 'argohealth'], kstatus, (folder) => build('kstatus', `${folder}/`, './...')),
    recipe(['helm'], { version: HELM, texts: [] }, () => [
      'install',
      '-trimpath',
      '-ldflags',
      helmStamp,
      `helm.sh/helm/v4/cmd/helm@${HELM}`,
    ]),
  ];
}

interface Module {
  readonly version: string;
  readonly texts: readonly string[];
}

async function readModule(name: string, path: string, sources: readonly string[]): Promise<Module> {
  const files = ['go.mod', 'go.sum', ...sources].map((file) => join(MODULES, name, file));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const version = new RegExp(`\\s${path.replaceAll('.', '\\.')} (v[\\d.]+)`).exec(texts[0] ?? '')?.[1];
  if (version === undefined) throw new Error(`${name}/go.mod does not require ${path}`);
  return { version, texts };
}

function recipe(
  programs: readonly GoProgram[],
  { version, texts }: Module,
  command: Recipe['command'],
): Recipe {
  return {
    programs,
    version,
    inputs: [...texts, ...command('.')].map((text) => text.replaceAll(MODULES, '')),
    command,
    environment: (folder) => ({
      ...process.env,
      CGO_ENABLED: '0',
      GOWORK: 'off',
      GOTOOLCHAIN: process.env['GOTOOLCHAIN'] ?? 'local',
      GOBIN: folder,
    }),
  };
}

/** Without them the programs call themselves v0.0.0-master+$Format:%H$, which clients cannot parse. */
function versionStamps(version: string): string {
  const [major = '', minor = ''] = version.slice(1).split('.');
  const values = {
    gitVersion: version,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'archive',
  };
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((path) => Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`))
    .join(' ');
}

/** The folder with the programs of the recipe. */
async function built(recipe: Recipe): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'rollcall', 'control-plane');
  const inputs = [...recipe.inputs, platform(), arch()];
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
  const name = `${recipe.programs[0] ?? ''}-${recipe.version}-${key}`;
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  using lock = await takeLock(join(cache, '.lock'));
  void lock;
  if (!existsSync(folder)) {
    const unfinished = await mkdtemp(join(cache, '.building-'));
    try {
      await runGo(recipe, unfinished);
      await rename(unfinished, folder);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  }
  return folder;
}

async function runGo(recipe: Recipe, folder: string): Promise<void> {
  const programs = recipe.programs.join(', ');
  process.stderr.write(`Building ${programs} ${recipe.version}, once; this takes minutes\n`);
  try {
    await promisify(execFile)('go', [...recipe.command(folder)], {
      env: recipe.environment(folder),
      timeout: BUILD_TIMEOUT_MS,
      maxBuffer: 1 << 24,
    });
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const what = missing ? 'Go is missing' : `Go 1.26 or newer could not build ${programs}`;
    throw new Error(`${what}; install it by: ${INSTALL_GO}`, { cause });
  }
}

/** Held by a transaction of SQLite: the system lets go of it when its holder dies, however. */
async function takeLock(file: string): Promise<Disposable> {
  const database = new DatabaseSync(file);
  for (;;) {
    try {
      database.exec('BEGIN EXCLUSIVE');
      return { [Symbol.dispose]: () => database.close() };
    } catch (error) {
      if (!(error instanceof Error) || !/locked/.test(error.message)) throw error;
      await sleep(200);
    }
  }
}
