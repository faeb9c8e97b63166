/** How long each phase of a run took. */
import type { Progress } from '../engine/run-ports.ts';

type Phase = Progress['phase'];

export class PhaseClock {
  readonly seconds: Partial<Record<Phase, number>> = {};
  #phase: Phase = 'Reading';
  #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  /** Whether this is another phase than before. */
  enter(phase: Phase, now: number): boolean {
    if (phase === this.#phase) return false;
    this.end(now);
    this.#phase = phase;
    return true;
  }

  end(now: number): void {
    this.seconds[this.#phase] = (this.seconds[this.#phase] ?? 0) + (now - this.#since) / 1_000;
    this.#since = now;
  }
}
