/** Looking for many ids by one search, and owing exactly one answer for each. */
import type { Filter } from 'ldapts';

import { attributeOf, type ObjectSchema } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { Fetched } from '../../engine/ports.ts';
import { idOctets, type Decoder } from './decode.ts';
import { anyEqual } from './filter.ts';
import type { Message } from './message.ts';

/** The ids of one search, each with what has been found for it. Ids are the same when the server says so. */
export class WantedIds {
  readonly #schema: ObjectSchema;
  readonly #open: Map<string, string[]> = new Map();
  readonly #answers: Fetched[] = [];

  constructor(ids: readonly string[], schema: ObjectSchema) {
    this.#schema = schema;
    for (const id of ids) {
      const same = this.#open.get(this.#fold(id));
      if (same) same.push(id);
      else this.#open.set(this.#fold(id), [id]);
    }
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  filter(): Filter {
    const ids = [...this.#open.values()].flat();
    return anyEqual(
      this.#schema.id,
      ids.map((id) => idOctets(id, this.#schema)),
    );
  }

  take(found: readonly Message[], decoder: Decoder, listed: boolean): void {
    const entries = found.flatMap((item) => decoder.decode(item.cursor()) ?? []);
    for (const [key, group] of Map.groupBy(entries, (entry) => this.#fold(entry.id))) {
      const [entry, second] = group;
      for (const id of this.#open.get(key) ?? []) {
        if (second) this.#fail(id, new ConnectorError('DuplicateKey', 'two entries have this id'));
        else if (entry) this.#answers.push({ kind: 'There', id, entry, listed });
      }
      this.#open.delete(key);
    }
  }

  answers(failure: ConnectorError | undefined): Fetched[] {
    for (const id of [...this.#open.values()].flat()) {
      if (failure) this.#fail(id, failure);
      else this.#answers.push({ kind: 'NotThere', id });
    }
    return this.#answers;
  }

  #fail(id: string, error: ConnectorError): void {
    this.#answers.push({ kind: 'Failed', id, error });
  }

  #fold(id: string): string {
    const match = attributeOf(this.#schema, this.#schema.id)?.match;
    return match === 'IgnoreCase' || match === 'IgnoreCaseAndSpace' ? id.toLowerCase() : id;
  }
}
