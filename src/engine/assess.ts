/**
 * From two rolls to situations: pairs that are linked are completed by re-reads, the others are correlated,
 * and every entry that matters is judged by the tables of classify.ts. Writes nothing.
 */
import {
  claimsLinkedHit,
  classifyLink,
  classifySource,
  classifyTarget,
  type Hits,
  type SourceFacts,
} from './classify.ts';
import { describeHits, hitsOf, possibleHitsOf, Wants } from './correlate.ts';
import type { Pair, Pairs } from './pairs.ts';
import type { RecordedError } from './entry-record.ts';
import { isThere, isUnread, linkedState, partnerError, rereadState, UNJUDGED } from './item-states.ts';
import type { Judged } from './judged.ts';
import type { Item } from './item.ts';
import type { Roll } from './roll.ts';

export interface Assessment {
  /** Taken out by whoever plans them. */
  readonly judged: Judged[];
  /** A listing has missed an entry (B8, C3): every withdrawal of this run is held. */
  readonly missed: string | undefined;
  /** Correlation of some entry could not be evaluated: withdrawals on Unassigned are held. */
  readonly uncorrelated: string | undefined;
  /** Keys of the target entries that source entries without a target want. */
  readonly wants: readonly string[];
  /** Rows of the quiet links whose target another source entry wants. */
  readonly wantedLinks: ReadonlySet<number>;
}

/** What is known of writes whose answer was lost, by key: nothing yet, or something else than was sent. */
export interface Unsettled {
  readonly sources: ReadonlyMap<string, 'Unresolved' | 'Differs'>;
  readonly targets: ReadonlySet<string>;
}

export interface AssessInput {
  readonly source: Roll;
  readonly target: Roll;
  /** How many correlation rules there are. */
  readonly rules: number;
  readonly pairs: Pairs;
  readonly unsettled: Unsettled;
  readonly holder: (targetKey: string) => string | undefined;
}

export function assess(input: AssessInput): Assessment {
  return new Assessor(input).run();
}

class Assessor {
  readonly #input: AssessInput;
  readonly #judged: Judged[] = [];
  readonly #claimed: Set<number> = new Set();
  readonly #wants: Wants = new Wants();
  readonly #hits: Map<Item, readonly number[]> = new Map();
  #missed: string | undefined;
  #uncorrelated: string | undefined;

  constructor(input: AssessInput) {
    this.#input = input;
  }

  run(): Assessment {
    const sources = this.#sources();
    const byTableA = new Set(sources);
    for (const item of sources) this.#correlate(item);
    for (const item of sources) this.#judgeSource(item);
    this.#judgeTargets();
    this.#judgeUnlisted(byTableA);
    const { target } = this.#input;
    const wanted = [...this.#wants.ordinals()];
    const wants = wanted.map((ordinal) => target.itemAt(ordinal)?.key);
    const quiet = wanted.filter((ordinal) => target.itemAt(ordinal) === undefined);
    return {
      judged: this.#judged,
      missed: this.#missed,
      uncorrelated: this.#uncorrelated,
      wants: wants.filter((key) => key !== undefined),
      wantedLinks: new Set(quiet.map((ordinal) => target.linkAt(ordinal))),
    };
  }

  /** Table A: what was listed, and of what was not, what a re-read found although its target is unlisted too (C3). */
  #sources(): Item[] {
    const { source, pairs } = this.#input;
    const sources = [...source.items];
    for (const pair of pairs.all()) {
      const unlistedThere = !pair.source.listed && !pair.target.listed && isThere(pair.source);
      const unspooled = pair.source.listed && source.itemAt(source.ordinalOf(pair.sourceKey)) !== pair.source;
      if (unlistedThere || unspooled) sources.push(pair.source);
      if (unlistedThere && pair.source.state === 'InScope') this.#miss(pair.source);
    }
    return sources;
  }

  #miss(item: Item): void {
    this.#missed ??= `the listing of the ${item.side.toLowerCase()} has missed entry '${item.id}', which is there`;
  }

  #correlate(item: Item): void {
    const pair = this.#pairOf(item);
    const isUnknown = item.state === 'InScope' && pair !== undefined && isUnread(pair.target);
    if (item.state === 'Failed' || isUnknown) {
      this.#wantWhatItMayMean(item, pair, isUnknown || !pair);
      return;
    }
    if (!needsPartner(item, pair)) return;
    const hits = hitsOf(item, this.#input);
    if (hits) {
      this.#take(item, hits);
      return;
    }
    item.state = 'Failed';
    item.error = item.keysError?.error;
    this.#wantWhatItMayMean(item, pair, true);
  }

  #take(item: Item, hits: readonly number[]): void {
    if (hits.length === 0) return;
    this.#hits.set(item, hits);
    if (item.state === 'InScope') this.#wants.add(item, hits);
  }

  /** Its link's target, or every hit; `isFree`: it has no link, or its target may be gone and have a successor. */
  #wantWhatItMayMean(item: Item, pair: Pair | undefined, isFree: boolean): void {
    const { target } = this.#input;
    const linked = pair ? target.ordinalOf(pair.targetKey) : -1;
    const hits = [...(linked === -1 ? [] : [linked]), ...(isFree ? possibleHitsOf(item, this.#input) : [])];
    this.#wants.add(item, hits);
    for (const ordinal of hits) this.#claimed.add(ordinal);
    if (item.keysError && isFree)
      this.#uncorrelated ??= `correlation of source entry '${item.id}' could not be evaluated`;
  }

  #pairOf(source: Item): Pair | undefined {
    return source.link === -1 ? undefined : this.#input.pairs.at(source.link);
  }

  #judgeSource(source: Item): void {
    const pair = this.#pairOf(source);
    const target = pair?.target;
    this.#claimLinked(pair);
    const error = source.error ?? this.#unresolved(source) ?? partnerError(target);
    if (source.state === 'Failed' || error) {
      for (let count = 0; count < source.occurrences; count++)
        this.#fail({ source, target, pair }, error ?? UNJUDGED);
      return;
    }
    const hits = this.#hits.get(source) ?? [];
    const described = this.#describe(source, hits);
    const facts: SourceFacts = {
      deletedMark: source.state === 'DeletedMark',
      inScope: source.state === 'InScope',
      linked: linkedState(target),
      hits: described,
    };
    const verdict = classifySource(facts);
    this.#claimHits(hits, verdict.row);
    this.#push({ verdict, source, ...this.#bound(verdict.row, hits, pair) });
  }

  #describe(source: Item, hits: readonly number[]): Hits {
    const { target, unsettled } = this.#input;
    if (unsettled.sources.get(source.key) === 'Differs') return { kind: 'Several' };
    return describeHits(source, hits, {
      target,
      wants: this.#wants,
      ownerOf: (link) => this.#ownerOf(link),
      isUnsettled: ({ key }) => unsettled.targets.has(key),
    });
  }

  #unresolved(source: Item): RecordedError | undefined {
    if (this.#input.unsettled.sources.get(source.key) !== 'Unresolved') return undefined;
    const message =
      'the answer to an earlier write for this entry was lost, and what came of it could not be read yet';
    return { code: 'UnknownOutcome', attribute: null, rule: null, message };
  }

  /** The target entry, and the link, that a row of table A speaks of. */
  #bound(row: string, hits: readonly number[], pair: Pair | undefined): Pick<Judged, 'target' | 'pair'> {
    const hit = ['A2', 'A8', 'A12', 'A14', 'A18'].includes(row) ? hits[0] : undefined;
    if (hit === undefined) return { target: pair?.target, pair };
    const target =
      this.#input.target.itemAt(hit) ?? this.#input.pairs.at(this.#input.target.linkAt(hit))?.target;
    if (row !== 'A14') return { target, pair };
    return { target, pair: this.#input.pairs.at(this.#input.target.linkAt(hit)) };
  }

  #ownerOf(link: number): 'LinkedToPresent' | 'LinkedToLost' | 'Unjudged' {
    const pair = this.#input.pairs.at(link);
    if (!pair || pair.source.state === 'InScope') return 'LinkedToPresent';
    return pair.source.state === 'Failed' ? 'Unjudged' : 'LinkedToLost';
  }

  #claimLinked(pair: Pair | undefined): void {
    const ordinal = pair ? this.#input.target.ordinalOf(pair.targetKey) : -1;
    if (ordinal !== -1) this.#claimed.add(ordinal);
  }

  #claimHits(hits: readonly number[], row: string): void {
    const [only] = hits;
    if (
      hits.length === 1 &&
      only !== undefined &&
      this.#input.target.linkAt(only) !== -1 &&
      !claimsLinkedHit(row)
    )
      return;
    for (const ordinal of hits) this.#claimed.add(ordinal);
  }

  /** Table B: every target entry of the listing that no row of A has claimed. */
  #judgeTargets(): void {
    const { target, pairs } = this.#input;
    for (const item of target.items) {
      if (item.state === 'Failed') this.#failTarget(item);
      else if (item.link === -1 && !this.#isTaken(item)) this.#judgeUnlinked(item);
    }
    for (const pair of pairs.all()) if (pair.target.listed && !pair.source.listed) this.#judgeLinked(pair);
  }

  #judgeUnlinked(target: Item): void {
    const inScope = target.state === 'InScope';
    const holder = inScope ? this.#input.holder(target.key) : undefined;
    const verdict = classifyTarget({ link: false, inScope, heldElsewhere: holder !== undefined });
    this.#push({ verdict, source: undefined, target, pair: undefined, holder });
  }

  #judgeLinked(pair: Pair): void {
    const { source, target } = pair;
    if (target.state === 'Failed') {
      if (!this.#isOnWorkList(target)) this.#fail({ source, target, pair }, target.error ?? UNJUDGED);
      return;
    }
    if (this.#isTaken(target)) return;
    const verdict = classifyTarget({ link: true, source: rereadState(source) });
    if (verdict?.row === 'B8') this.#miss(source);
    if (verdict) this.#push({ verdict, source: isThere(source) ? source : undefined, target, pair });
    else this.#fail({ source, target, pair }, source.error ?? UNJUDGED);
  }

  /** A row of A has claimed it, or a write to it is not settled yet. */
  #isTaken(item: Item): boolean {
    const { target, unsettled } = this.#input;
    return this.#claimed.has(target.ordinalOfItem(item)) || unsettled.targets.has(item.key);
  }

  #isOnWorkList(target: Item): boolean {
    const { target: roll } = this.#input;
    return roll.itemAt(roll.ordinalOfItem(target)) === target;
  }

  #failTarget(target: Item): void {
    for (let count = 0; count < target.occurrences; count++) {
      this.#fail({ source: undefined, target, pair: undefined }, target.error ?? UNJUDGED);
    }
  }

  /** Table C: links of which neither side was listed; C3 was judged by table A. */
  #judgeUnlisted(byTableA: ReadonlySet<Item>): void {
    for (const pair of this.#input.pairs.all()) {
      if (pair.source.listed || pair.target.listed || byTableA.has(pair.source)) continue;
      const error = pair.source.error ?? pair.target.error;
      if (error) this.#fail({ source: pair.source, target: pair.target, pair }, error);
      else
        this.#push({
          verdict: classifyLink(pair.target.state !== 'Gone'),
          source: undefined,
          target: pair.target,
          pair,
        });
    }
  }

  #fail(about: Pick<Judged, 'source' | 'target' | 'pair'>, error: RecordedError): void {
    this.#judged.push({ ...about, verdict: undefined, error, wanted: false, holder: undefined });
  }

  #push(
    judged: Pick<Judged, 'verdict' | 'source' | 'target' | 'pair'> & { holder?: string | undefined },
  ): void {
    const ordinal = judged.target ? this.#input.target.ordinalOfItem(judged.target) : -1;
    const wanted = ordinal !== -1 && this.#wants.by(ordinal, judged.source) === 'Others';
    this.#judged.push({ error: undefined, holder: undefined, ...judged, wanted });
  }
}

function needsPartner({ state }: Item, pair: Pair | undefined): boolean {
  return pair === undefined || (state === 'InScope' && pair.target.state === 'Gone');
}
