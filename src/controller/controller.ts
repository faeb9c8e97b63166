/** The worker loop of one kind: take a key, look at it, obey what came of it, measure. A key that fails is tried again. */
import type { Log, ReconcileObserver } from './ports.ts';
import type { WorkQueue } from './work-queue.ts';

/** What a look at one object asks for. */
export type Next =
  /** Nothing, until something changes. */
  | { readonly kind: 'Done' }
  | { readonly kind: 'After'; readonly milliseconds: number }
  /** It could not be done; `leastMs`: not before. */
  | { readonly kind: 'Retry'; readonly leastMs?: number };

export interface ControllerOptions {
  /** As it stands in logs and metrics. */
  readonly name: string;
  readonly queue: WorkQueue;
  readonly workers: number;
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Next>;
  readonly log: Log;
  readonly observer?: ReconcileObserver;
}

/** Ends when the signal does, after the looks that are under way. */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  let working = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      const key = await options.queue.take(signal);
      if (key === undefined) return;
      options.observer?.working(++working);
      try {
        await reconcileOne(key, options, signal);
      } finally {
        options.observer?.working(--working);
        options.queue.done(key);
      }
    }
  };
  await Promise.all(Array.from({ length: options.workers }, work));
  options.queue.close();
}

async function reconcileOne(
  key: string,
  { name, queue, reconcile, log, observer }: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now();
  const next = await reconcile(key, signal).catch((error: unknown): Next => {
    if (!signal.aborted) log.error({ controller: name, key, err: error }, 'Reconciler error');
    return { kind: 'Retry' };
  });
  const seconds = (performance.now() - started) / 1_000;
  switch (next.kind) {
    case 'Done':
      queue.forget(key);
      observer?.reconciled('success', seconds);
      break;
    case 'After':
      queue.forget(key);
      queue.add(key, { delayMs: Math.max(1, next.milliseconds) });
      observer?.reconciled('requeue_after', seconds);
      break;
    case 'Retry':
      queue.retry(key, next.leastMs);
      observer?.reconciled('error', seconds);
      break;
  }
}
