/** A namespace as its administrator works in it: manifests, requests, a look at what came of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  apiVersion,
  approvePlanAnnotation,
  kinds,
  runRequestedAtAnnotation,
  type Kind,
} from '../../src/api/names.ts';
import type { ReconMappingStatus } from '../../src/api/recon-mapping.ts';
import type { ControlPlane } from './control-plane.ts';
import { conditionOf, type Observed } from './kstatus.ts';

export interface SeenMapping extends Observed {
  readonly spec?: { readonly policyRef?: unknown };
  readonly status?: ReconMappingStatus;
}

export interface SeenEvent {
  readonly type: string;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

export type Manifest = { readonly kind: Kind | 'Secret' | 'ConfigMap' } & Readonly<Record<string, unknown>>;

/** A machine with two cores that also does something else. */
const PATIENCE_MS = 18_000;
const LOOK_EVERY_MS = 50;

export class Stage {
  readonly namespace: string;
  readonly #plane: ControlPlane;
  #requests = 0;

  private constructor(plane: ControlPlane, namespace: string) {
    this.#plane = plane;
    this.namespace = namespace;
  }

  static async open(plane: ControlPlane, namespace: string): Promise<Stage> {
    const { status } = await plane.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    if (status !== 201) throw new Error(`no namespace ${namespace}: ${String(status)}`);
    return new Stage(plane, namespace);
  }

  kubectl(...words: string[]): Promise<string> {
    return this.#plane.kubectl(['-n', this.namespace, ...words]);
  }

  async apply(...manifests: readonly object[]): Promise<string> {
    const items = manifests.map((one) => ({ apiVersion, ...one }));
    const words = ['apply', '-n', this.namespace, '--server-side', '--force-conflicts', '-f', '-'];
    return this.#plane.kubectl(words, { apiVersion: 'v1', kind: 'List', items });
  }

  /** A JSON merge patch of the object. */
  async patch(kind: Kind, name: string, change: object): Promise<Observed> {
    const type = 'application/merge-patch+json';
    const { status, body } = await this.#plane.request('PATCH', this.#path(kind, name), change, type);
    if (status !== 200) throw new Error(`${kind} ${name} is not patched: ${JSON.stringify(body)}`);
    return body as Observed;
  }

  annotate(kind: Kind, name: string, annotations: Readonly<Record<string, string>>): Promise<Observed> {
    return this.patch(kind, name, { metadata: { annotations } });
  }

  async setSecret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    await this.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });
  }

  async get<T extends Observed>(kind: Kind, name: string): Promise<T | undefined> {
    const { status, body } = await this.#plane.request('GET', this.#path(kind, name));
    return status === 200 ? (body as T) : undefined;
  }

  /** The first version that is so. */
  async until<T extends Observed>(kind: Kind, name: string, isSo: (object: T) => boolean): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const object = await this.get<T>(kind, name);
      if (object !== undefined && isSo(object)) return object;
      if (Date.now() > deadline)
        throw new Error(`${kind} ${name} did not become so: ${isSo.toString()}\n${JSON.stringify(object)}`);
      await sleep(LOOK_EVERY_MS);
    }
  }

  untilMapping(name: string, isSo: (object: SeenMapping) => boolean): Promise<SeenMapping> {
    return this.until('ReconMapping', name, isSo);
  }

  /** Until a condition has that reason. */
  untilReason(kind: Kind, name: string, type: string, reason: string): Promise<SeenMapping> {
    return this.until<SeenMapping>(kind, name, (object) => conditionOf(object, type)?.reason === reason);
  }

  /** Asks for a run, and resolves with what came of it. */
  async run(mapping: string): Promise<SeenMapping> {
    const request = await this.request(mapping);
    return this.untilMapping(mapping, ({ status }) => status?.lastHandledRequest === request);
  }

  async request(mapping: string): Promise<string> {
    const request = `${new Date().toISOString()} ${++this.#requests}`;
    await this.annotate('ReconMapping', mapping, { [runRequestedAtAnnotation]: request });
    return request;
  }

  approve(mapping: string, digest: string): Promise<Observed> {
    return this.annotate('ReconMapping', mapping, { [approvePlanAnnotation]: digest });
  }

  async events(name?: string): Promise<SeenEvent[]> {
    const path = `/apis/events.k8s.io/v1/namespaces/${this.namespace}/events`;
    const { body } = await this.#plane.request('GET', path);
    const { items } = body as { items: SeenEvent[] };
    return name === undefined ? items : items.filter(({ regarding }) => regarding.name === name);
  }

  async untilEvent(name: string, reason: string, note: RegExp): Promise<SeenEvent> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const events = await this.events(name);
      const found = events.find((one) => one.reason === reason && note.test(one.note));
      if (found) return found;
      if (Date.now() > deadline)
        throw new Error(`no Event ${reason} ${String(note)} of ${name}:\n${JSON.stringify(events)}`);
      await sleep(LOOK_EVERY_MS);
    }
  }

  #path(kind: Kind, name: string): string {
    return `/apis/${apiVersion}/namespaces/${this.namespace}/${kinds[kind].plural}/${name}`;
  }
}
