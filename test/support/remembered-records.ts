/** What earlier skims handed out, for tests of skimming: a record is known by its octets and their form. */
import { createHash } from 'node:crypto';

import type { Session } from '../../src/connectors/connector.ts';
import type { Entry } from '../../src/engine/entry.ts';
import type { Evidence, ReadRequest } from '../../src/engine/ports.ts';
import type { RecogniserOf, Unknown } from '../../src/engine/recogniser.ts';

export class RememberedRecords {
  /** Entries of the records that were recognised, as they were when they were handed out. */
  recognised: Entry[] = [];
  /** How many records were shown. */
  shown = 0;
  /** The octets are not kept, but tests look at them. */
  readonly seen: string[] = [];
  readonly #known = new Map<string, Entry>();

  readonly recogniserOf: RecogniserOf = (form) => ({
    recognise: (raw) => {
      this.shown += 1;
      this.seen.push(Buffer.from(raw).toString('utf8'));
      const print = createHash('sha256').update(form).update('\0').update(raw).digest('hex');
      const known = this.#known.get(print);
      if (known) this.recognised.push(known);
      return known ? undefined : print;
    },
  });

  learn(unknown: readonly Unknown[]): void {
    for (const { entry, rawPrint } of unknown) if (rawPrint !== undefined) this.#known.set(rawPrint, entry);
  }

  /** The same knowledge, and nothing seen yet. */
  again(): RememberedRecords {
    const next = new RememberedRecords();
    for (const [print, entry] of this.#known) next.#known.set(print, entry);
    return next;
  }
}

export interface Skimmed {
  readonly unknown: readonly Unknown[];
  readonly batches: number;
  readonly evidence: Evidence;
}

export async function skimAll(
  session: Session,
  records: RememberedRecords,
  request: ReadRequest,
): Promise<Skimmed> {
  if (!session.skim) throw new Error('the session has no skim');
  const unknown: Unknown[] = [];
  const pass = session.skim(request, records.recogniserOf, new AbortController().signal);
  let batches = 0;
  let step = await pass.next();
  for (; !step.done; step = await pass.next()) {
    batches += 1;
    unknown.push(...step.value);
  }
  return { unknown, batches, evidence: step.value };
}
