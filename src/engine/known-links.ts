/**
 * The links of a mapping, of which those that were asked for last are at hand: a pair that has changed is met, planned and
 * written, and each of them asks for its link. Every link that a run writes goes through here.
 */
import type { LinkHead, Links, StoredLink } from './ports.ts';

/** So many are at hand, some 1 KiB each; whoever was met first is forgotten first. */
const AT_HAND = 4_096;

export class KnownLinks {
  readonly #links: Links;
  // Invariant: both hold the same links, each as the store has it.
  readonly #bySource: Map<string, StoredLink> = new Map();
  readonly #byTarget: Map<string, StoredLink> = new Map();

  constructor(links: Links) {
    this.#links = links;
  }

  /** Every link, in the order of the store. */
  heads(): Iterable<LinkHead> {
    return this.#links.heads();
  }

  bySource(sourceKey: string): StoredLink | undefined {
    return this.#bySource.get(sourceKey) ?? this.#keep(this.#links.bySource(sourceKey));
  }

  byTarget(targetKey: string): StoredLink | undefined {
    return this.#byTarget.get(targetKey) ?? this.#keep(this.#links.byTarget(targetKey));
  }

  /** Whether the link of this source can be had without asking the store. */
  isAtHand(sourceKey: string): boolean {
    return this.#bySource.has(sourceKey);
  }

  /** A link that nobody has asked for is not kept: a first load puts very many, and asks for none. */
  put(link: StoredLink): void {
    this.#links.put(link);
    const known = this.#bySource.get(link.sourceKey);
    this.#forget(known);
    this.#forget(this.#byTarget.get(link.targetKey));
    if (known) this.#keep(link);
  }

  remove(sourceKey: string): void {
    this.#links.remove(sourceKey);
    this.#forget(this.#bySource.get(sourceKey));
  }

  #keep(link: StoredLink | undefined): StoredLink | undefined {
    if (!link) return undefined;
    if (this.#bySource.size >= AT_HAND) {
      const [oldest] = this.#bySource.values();
      this.#forget(oldest);
    }
    this.#bySource.set(link.sourceKey, link);
    this.#byTarget.set(link.targetKey, link);
    return link;
  }

  #forget(link: StoredLink | undefined): void {
    if (!link) return;
    this.#bySource.delete(link.sourceKey);
    this.#byTarget.delete(link.targetKey);
  }
}
