/** How long writes are certainly ours, in memory that every thread sees. A paused process finds it over when it goes on. */
import { monotonicNow } from '../controller/ports.ts';

/** Microseconds, so that it fits one atomic cell. */
const PER_MILLISECOND = 1_000;
const FOREVER = 2n ** 62n;

export class Fence {
  readonly shared: SharedArrayBuffer;
  readonly #until: BigInt64Array;

  /** `shared`: what another thread's fence keeps its time in. */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#until = new BigInt64Array(shared);
  }

  /** In milliseconds of `monotonicNow`; Infinity: for ever. */
  extend(until: number): void {
    const cell = until === Infinity ? FOREVER : BigInt(Math.floor(until * PER_MILLISECOND));
    Atomics.store(this.#until, 0, cell);
  }

  mayWrite(): boolean {
    return Atomics.load(this.#until, 0) > BigInt(Math.ceil(monotonicNow() * PER_MILLISECOND));
  }
}
