/** Lists of attribute names, each known by a number: nearly all entries of a system have one of a few. */
interface Step {
  readonly next: Map<string, Step>;
  list: number | undefined;
}

/** Where names come in many orders, a list for each order would be a list for each entry. */
const MOST_LISTS = 4_096;

export class AttributeNames {
  readonly #lists: (readonly string[])[] = [];
  readonly #start: Step = { next: new Map(), list: undefined };

  /** The number of its list of names; the names themselves where there are too many lists already. */
  numberOf(attributes: ReadonlyMap<string, unknown>): number | readonly string[] {
    let at: Step | undefined = this.#start;
    for (const name of attributes.keys()) at = at?.next.get(name);
    return at?.list ?? this.#add([...attributes.keys()]);
  }

  /** The names that `numberOf` gave this for. */
  of(known: number | readonly string[]): readonly string[] {
    return typeof known === 'number' ? (this.#lists[known] ?? []) : known;
  }

  #add(names: readonly string[]): number | readonly string[] {
    if (this.#lists.length === MOST_LISTS) return names;
    let at = this.#start;
    for (const name of names) {
      const next = at.next.get(name) ?? { next: new Map<string, Step>(), list: undefined };
      at.next.set(name, next);
      at = next;
    }
    at.list = this.#lists.push(names) - 1;
    return at.list;
  }
}
