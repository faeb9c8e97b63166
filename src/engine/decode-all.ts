/** A reading in which nobody is recognised: everything is decoded, and nothing has octets of its own. */
import type { Entry } from './entry.ts';
import type { Evidence } from './ports.ts';
import type { Unknown } from './recogniser.ts';

export async function* decodeAll(
  batches: AsyncGenerator<readonly Entry[], Evidence>,
): AsyncGenerator<readonly Unknown[], Evidence> {
  for (;;) {
    const next = await batches.next();
    if (next.done) return next.value;
    yield next.value.map((entry) => ({ entry, rawPrint: undefined }));
  }
}
