/**
 * Plays a scenario in a namespace of its own of any cluster that has Rollcall, and looks at it as people do, by kubectl.
 * A scenario is a folder of manifests and scenario.yaml: steps that apply files, ask for a run, and wait for what
 * `kubectl wait --for` understands. The operator's own answer to a request ends the waiting for a run, no clock does.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { runRequestedAtAnnotation } from '../../src/api/names.ts';

export interface Cluster {
  /** The program. */
  readonly kubectl: string;
  /** Undefined: where kubectl looks by itself. */
  readonly kubeconfig: string | undefined;
  readonly waitSeconds: number;
  readonly say: (line: string) => void;
}

interface Step {
  readonly name: string;
  readonly apply?: readonly string[];
  /** The mapping that is to run now. */
  readonly request?: string;
  readonly wait?: readonly { readonly object: string; readonly for: readonly string[] }[];
}

/** Rejects at the first step that does not come true, with the objects as they were then; the namespace stays then. */
export async function playScenario(folder: string, cluster: Cluster): Promise<void> {
  const { steps } = parse(readFileSync(join(folder, 'scenario.yaml'), 'utf8')) as { steps: readonly Step[] };
  const name = basename(folder);
  const namespace = `rollcall-e2e-${name}`;
  await kubectl(cluster, ['create', 'namespace', namespace]);
  for (const step of steps) {
    cluster.say(`${name}: ${step.name}`);
    await playStep(step, { folder, namespace, cluster }).catch(async (cause: unknown) => {
      const seen = await kubectl(cluster, ['get', 'rollcall', '-o', 'yaml', '-n', namespace]).catch(String);
      throw new Error(`${name}: not so: ${step.name}\n${String(cause)}\n${seen}`, { cause });
    });
  }
  await kubectl(cluster, ['delete', 'namespace', namespace, '--wait=false']);
}

interface Stage {
  readonly folder: string;
  readonly namespace: string;
  readonly cluster: Cluster;
}

async function playStep(step: Step, { folder, namespace, cluster }: Stage): Promise<void> {
  const inNamespace = (...words: string[]): Promise<string> => kubectl(cluster, [...words, '-n', namespace]);
  const comesTrue = (object: string, what: string): Promise<string> =>
    inNamespace('wait', object, `--for=${what}`, `--timeout=${cluster.waitSeconds}s`);
  for (const file of step.apply ?? [])
    await inNamespace('apply', '--server-side', '--validate=strict', '-f', join(folder, file));
  if (step.request !== undefined) {
    const [mapping, request] = [`reconmapping/${step.request}`, new Date().toISOString()];
    await inNamespace('annotate', '--overwrite', mapping, `${runRequestedAtAnnotation}=${request}`);
    await comesTrue(mapping, `jsonpath={.status.lastHandledRequest}=${request}`);
  }
  for (const { object, for: all } of step.wait ?? []) for (const what of all) await comesTrue(object, what);
}

async function kubectl({ kubectl: program, kubeconfig }: Cluster, words: readonly string[]): Promise<string> {
  const where = kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`];
  const { stdout } = await promisify(execFile)(program, [...where, ...words], { maxBuffer: 1 << 24 });
  return stdout.trim();
}
