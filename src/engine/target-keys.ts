/** Target entries by their correlation keys: of those that were decoded, and of linked ones that were recognised. */
import { KeyIndex, type LoggedKey } from './key-log.ts';
import type { LinkTable } from './link-table.ts';
import type { Met } from './met.ts';

export interface TargetKeysOptions {
  /** How many correlation rules there are. */
  readonly rules: number;
  readonly met: Met;
  readonly links: LinkTable;
  /** Of an entry that was recognised, by the row of its link. */
  readonly ordinalOf: (row: number) => number;
}

export class TargetKeys {
  readonly #options: TargetKeysOptions;
  /** Made when the first entry asks. */
  #index: KeyIndex | undefined;

  constructor(options: TargetKeysOptions) {
    this.#options = options;
  }

  /** Ordinals of the entries that carry one of these keys. */
  hits(keys: readonly LoggedKey[]): number[] {
    this.#index ??= this.#indexAll();
    const found = new Set<number>();
    for (const key of keys) for (const ordinal of this.#index.findAll(key)) found.add(ordinal);
    return [...found];
  }

  #indexAll(): KeyIndex {
    const { rules, met, links, ordinalOf } = this.#options;
    const index = new KeyIndex(rules, met.keys.count + links.before);
    for (const key of met.keys) index.add(key);
    for (const key of links.keysOfRecognised()) index.add({ ...key, owner: ordinalOf(key.owner) });
    return index;
  }
}
