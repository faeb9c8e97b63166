/**
 * The whole installation in a cluster of containers: builds the image, makes a kind cluster, installs the chart with it,
 * plays the scenarios of test/e2e, and removes the cluster. Needs what no test of `npm test` does: a container engine.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { playAll } from '../e2e/play-all.ts';

const root: string = new URL('../../', import.meta.url).pathname;
const cluster = `rollcall-e2e-${process.pid}`;
const image = { repository: 'rollcall', tag: 'e2e' };
const folder = mkdtempSync(join(tmpdir(), 'rollcall-e2e-'));
const kubeconfig = join(folder, 'kubeconfig');

const needed = [
  { words: ['docker', 'info'], why: 'a container engine that answers' },
  { words: ['kind', 'version'], why: 'kind, which makes clusters of containers' },
  { words: ['kubectl', 'version', '--client'], why: 'kubectl' },
  { words: ['helm', 'version'], why: 'helm' },
];

function run(...[program = '', ...words]: readonly string[]): void {
  process.stdout.write(`> ${program} ${words.join(' ')}\n`);
  const { status, error } = spawnSync(program, words, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ${words[0] ?? ''} failed`, { cause: error });
}

/** What is missing on this machine, with what was said about it. */
function missing(): string[] {
  return needed.flatMap(({ words: [program = '', ...words], why }) => {
    const { status, error, stderr } = spawnSync(program, words, { encoding: 'utf8' });
    if (status === 0) return [];
    const said = error === undefined ? stderr.trim() : 'not found';
    return [`npm run e2e:kind needs ${why}; ${program} ${words.join(' ')}: ${said}`];
  });
}

async function play(): Promise<number> {
  run('docker', 'build', '--tag', `${image.repository}:${image.tag}`, '.');
  run('kind', 'create', 'cluster', '--name', cluster, '--kubeconfig', kubeconfig, '--wait', '120s');
  try {
    run('kind', 'load', 'docker-image', `${image.repository}:${image.tag}`, '--name', cluster);
    const settings = `image.repository=${image.repository},image.tag=${image.tag},image.pullPolicy=Never`;
    const where = ['--kubeconfig', kubeconfig, '--namespace', 'rollcall-system', '--create-namespace'];
    run('helm', 'install', 'rollcall', 'charts/rollcall', '--set', settings, ...where, '--wait');
    return await playAll([], kubeconfig);
  } finally {
    run('kind', 'delete', 'cluster', '--name', cluster, '--kubeconfig', kubeconfig);
  }
}

const problems = missing();
try {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : await play();
} finally {
  rmSync(folder, { recursive: true });
}
