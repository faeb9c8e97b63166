/** What is known of the systems: the mappings that use one wait until it is ready. */
import type { Reason } from '../api/conditions.ts';

export interface SystemState {
  readonly uid: string;
  readonly generation: number;
  readonly isReady: boolean;
  readonly reason: Reason;
  readonly message: string;
}

export class SystemRegistry {
  readonly #states: Map<string, SystemState> = new Map();
  readonly #changed: (key: string) => void;

  /** `changed`: told of a system that became ready, or is known for the first time, or stopped to be ready. */
  constructor(changed: (key: string) => void) {
    this.#changed = changed;
  }

  get(key: string): SystemState | undefined {
    return this.#states.get(key);
  }

  set(key: string, state: SystemState): void {
    const before = this.#states.get(key);
    this.#states.set(key, state);
    if (before?.isReady !== state.isReady || before.generation !== state.generation) this.#changed(key);
  }

  remove(key: string): void {
    if (this.#states.delete(key)) this.#changed(key);
  }
}
