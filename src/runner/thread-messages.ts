/** What the thread of a run is given, and what it says. Plain values: they are copied from thread to thread. */
import type { LinkedMapping, References } from '../controller/linked-mapping.ts';
import type { RunReport } from '../controller/ports.ts';
import type { Progress } from '../engine/run-ports.ts';
import { Secret } from '../lib/secret.ts';

export interface ThreadInput {
  readonly id: string;
  readonly linked: LinkedMapping;
  readonly secrets: PlainValues<string>;
  readonly configMaps: PlainValues<string | Uint8Array>;
  readonly trigger: string;
  readonly approve: string | undefined;
  readonly stateFolder: string;
  readonly epoch: number;
  /** Of a Fence. */
  readonly fence: SharedArrayBuffer;
}

type PlainValues<V> = readonly (readonly [string, readonly (readonly [string, V])[]])[];

/** To the thread: end soon. */
export const STOP = 'Stop';

export type ThreadMessage =
  | { readonly kind: 'Progress'; readonly progress: Progress }
  | { readonly kind: 'Ended'; readonly report: RunReport }
  /** Another process owns the state, or the lease ran out. */
  | { readonly kind: 'Superseded' }
  /** `code`: of a StateError. `stack` names places in the program, no data. */
  | { readonly kind: 'Crashed'; readonly code: string | undefined; readonly stack: string };

/** A Secret cannot be copied, on purpose: its values cross as text and are wrapped again on arrival. */
export function plainReferences({
  secrets,
  configMaps,
}: References): Pick<ThreadInput, 'secrets' | 'configMaps'> {
  return {
    secrets: [...secrets].map(([name, values]) => [
      name,
      [...values].map(([key, value]) => [key, value.reveal()] as const),
    ]),
    configMaps: [...configMaps].map(([name, values]) => [name, [...values]]),
  };
}

export function referencesOf({ secrets, configMaps }: ThreadInput): References {
  return {
    secrets: new Map(
      secrets.map(([name, values]) => [
        name,
        new Map(values.map(([key, value]) => [key, new Secret(value)] as const)),
      ]),
    ),
    configMaps: new Map(configMaps.map(([name, values]) => [name, new Map(values)])),
  };
}
