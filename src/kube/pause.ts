import { setTimeout as sleep } from 'node:timers/promises';

/** Rejects with the reason of the signal, as everything else here. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
