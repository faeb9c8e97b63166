/** Asks a system who it is and what it can do: opens every object once, reads its schema, and changes nothing. */
import type { Located, References } from '../controller/linked-mapping.ts';
import type { Prober, ProbeReport } from '../controller/ports.ts';
import { shortHash } from '../engine/fingerprint.ts';
import type { State } from '../store/state.ts';
import { openSide } from './open-side.ts';

/** A system that takes longer is as good as not there. */
const LONGEST_PROBE_MS = 60_000;

export class SystemProber implements Prober {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  async probe(
    system: Located<'ManagedSystem'>,
    references: References,
    signal: AbortSignal,
  ): Promise<ProbeReport> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_PROBE_MS)]);
    const { database, digest } = this.#state;
    const capabilities = new Set<string>();
    const schemas: unknown[] = [];
    let vendor = '';
    for (const object of system.object.spec.objects) {
      await using session = await openSide(
        { system, object, references, database, now: () => Date.now() },
        within,
      );
      const found = await session.probe(within);
      vendor = found.vendor;
      for (const one of found.capabilities) capabilities.add(one);
      schemas.push([object.name, session.schema.id, [...session.schema.attributes]]);
    }
    return {
      vendor,
      capabilities: [...capabilities].toSorted(),
      schemaDigest: shortHash(`schema|${JSON.stringify(schemas)}`, digest),
    };
  }
}
