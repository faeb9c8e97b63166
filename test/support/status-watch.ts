/** Sees every version of every object of ours, as a client that watches does: a raw watch, which leaves none out. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get, Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { kinds, type Kind } from '../../src/api/names.ts';
import type { ControlPlane } from './control-plane.ts';
import { statusProblems, type Observed } from './kstatus.ts';

export interface Version {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Observed;
  readonly at: number;
}

export class StatusWatch implements Disposable {
  readonly versions: Version[] = [];
  readonly #agent: Agent;

  private constructor(agent: Agent) {
    this.#agent = agent;
  }

  static async start(plane: ControlPlane): Promise<StatusWatch> {
    const file = await plane.user('watcher', { groups: ['system:masters'] });
    const { users } = JSON.parse(readFileSync(file, 'utf8')) as {
      users: { user: Record<'client-certificate-data' | 'client-key-data', string> }[];
    };
    const pem = (name: 'client-certificate-data' | 'client-key-data'): Buffer =>
      Buffer.from(users[0]?.user[name] ?? '', 'base64');
    const [cert, key] = [pem('client-certificate-data'), pem('client-key-data')];
    const watch = new StatusWatch(new Agent({ ca: plane.authority.certificate, cert, key }));
    for (const { plural } of Object.values(kinds)) await watch.#watch(plane.url, plural);
    return watch;
  }

  /** A definition that has just been made is served a moment later. */
  async #watch(url: string, plural: string): Promise<void> {
    while (!(await this.#opens(url, plural))) await sleep(100);
  }

  #opens(url: string, plural: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const path = `/apis/rollcall.dev/v1alpha1/${plural}?watch=1&resourceVersion=0&timeoutSeconds=3600`;
      const request = get(url + path, { agent: this.#agent }, (response) => {
        const isOpen = response.statusCode === 200;
        if (isOpen) this.#read(response);
        else response.resume();
        resolve(isOpen);
      });
      request.on('error', reject);
    });
  }

  #read(response: IncomingMessage): void {
    let rest = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        this.versions.push({ ...(JSON.parse(line) as Omit<Version, 'at'>), at: Date.now() });
    });
    response.on('error', () => undefined);
  }

  /** Of one object, the oldest first; one that was made anew under the same name is another one. */
  of(kind: Kind, name: string): Observed[] {
    return this.versions
      .map(({ object }) => object)
      .filter((object) => object.kind === kind && object.metadata.name === name);
  }

  /** Everything that is wrong with any version, each said once. */
  problems(): string[] {
    const last = new Map<string, Observed>();
    const found = new Set<string>();
    for (const { object } of this.versions) {
      const uid = object.metadata.uid ?? '';
      const { kind, metadata, status } = object;
      for (const problem of statusProblems(object, last.get(uid)))
        found.add(
          `${kind} ${metadata.name} ${String(metadata.resourceVersion)}: ${problem}: ${JSON.stringify(status)}`,
        );
      last.set(uid, object);
    }
    return [...found];
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
