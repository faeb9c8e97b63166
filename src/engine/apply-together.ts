/**
 * A first load of a system that lives in the store itself. What is written, the links to it and the records of it become
 * true together, many at once, so nothing can ever be left half done: no intent is needed, and no second look.
 */
import type { Booking } from './booking.ts';
import { Countdown } from './countdown.ts';
import type { OperationBody } from './operation.ts';
import type { EntryWriter, Spool, Together, Written } from './ports.ts';
import type { Supply } from './supply.ts';
import { write } from './write.ts';

/** Entries that become true at once: others wait for the store no longer than this takes. */
const ENTRIES_AT_ONCE = 1_024;
/** So many bodies are held; the fewer, the cheaper it is to forget them. */
const BODIES_AT_ONCE = 32;

export interface TogetherStream {
  readonly writer: EntryWriter;
  readonly together: Together;
  readonly supply: Supply;
  readonly bodies: Spool<OperationBody>;
  readonly booking: Booking;
}

/** Why it stopped before its end; undefined: everything was tried. */
export async function applyTogether(
  stream: TogetherStream,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!stream.supply.isEmpty) {
    if (signal.aborted) return 'the run was asked to stop';
    stream.together.begin();
    try {
      await tryMany(stream, signal);
      await stream.together.commit(signal);
    } catch (error) {
      stream.together.drop();
      throw error;
    }
  }
  return undefined;
}

async function tryMany(stream: TogetherStream, signal: AbortSignal): Promise<void> {
  for (let tried = 0; tried < ENTRIES_AT_ONCE && !stream.supply.isEmpty;)
    tried += await trySome(stream, signal);
}

/** What comes of them is written down at once, and true with the commit. */
async function trySome(
  { writer, supply, bodies, booking }: TogetherStream,
  signal: AbortSignal,
): Promise<number> {
  const operations = supply.take(BODIES_AT_ONCE);
  const tried = operations.map((operation) => ({ operation, body: bodies.get(operation.body) }));
  const answers = new Countdown(tried.length);
  const written: Written[] = [];
  for (const [at, { body }] of tried.entries())
    void answers.await(write(body, writer, signal), (one) => (written[at] = one));
  await answers.done();
  for (const [at, one] of tried.entries()) {
    const told = written[at];
    if (told) booking.add({ ...one, intent: undefined, written: told });
  }
  booking.book();
  return tried.length;
}
