/* oxlint-disable complexity, max-lines, unicorn/no-useless-spread -- the tables, row by row in one place, are what there is to read */
/**
 * What SITUATIONS.md says of a small world, written from its tables and as naive as they are: plain objects,
 * loops within loops, no index, no memory of what was settled. Changes the world to what it should become, and
 * says what a run should report. It shares no code with the engine.
 */
export interface Toy {
  readonly id: string;
  readonly key: readonly string[];
  readonly other: readonly string[];
  readonly code: string | undefined;
  readonly title: string | undefined;
  readonly phone: string | undefined;
  /** `out` is refused by `where`; on `bad` it fails. */
  readonly scope: 'out' | 'bad' | undefined;
  readonly gone: boolean;
  readonly state: 'on' | 'off' | undefined;
  /** Left out by the system's own filter. */
  readonly filtered: boolean;
  /** Left out of the listing by mistake. */
  readonly missed: boolean;
}

export interface ToySide {
  entries: Toy[];
  evidence: 'Yes' | 'Unproved' | 'No';
  /** Ids that cannot be looked at; none of them is ever listed. */
  unreadable: string[];
}

export interface ToyTargets extends ToySide {
  created: number;
  /** Disabled by us. */
  marks: string[];
}

export interface ToyLink {
  readonly source: string;
  readonly target: string;
  readonly agreed: Readonly<Record<string, string>>;
}

export type When =
  | { readonly kind: 'Title'; readonly side: 'source' | 'target' }
  | { readonly kind: 'Changed'; readonly attribute: 'phone' | 'title' };

export interface ToyRule {
  readonly name: string;
  readonly situations: readonly string[];
  readonly response: string;
  readonly change?: string | undefined;
  readonly when?: When | undefined;
  readonly evenIfNeverLinked: boolean;
}

export interface ToyMapping {
  readonly name: string;
  readonly source: ToySide & { readonly transactional: boolean };
  readonly correlate: readonly ('key' | 'other' | 'code')[];
  readonly outbound: readonly ('key' | 'title' | 'phone')[];
  readonly inbound: readonly ('phone' | 'other')[];
  readonly weakTitle: boolean;
  readonly rules: readonly ToyRule[];
  links: ToyLink[];
  clocks: Record<string, number>;
  wants: string[];
  lastRead: number;
}

export interface ToyWorld {
  readonly target: ToyTargets;
  readonly mappings: readonly ToyMapping[];
  runs: number;
}

/** `row situation response outcome source→target` */
export interface Expected {
  readonly lines: string[];
  readonly outcome: 'Succeeded' | 'Degraded' | 'Held' | 'Stalled';
  readonly counts: Record<string, number>;
  readonly inSync: number;
}

type State = 'In' | 'Out' | 'Deleted' | 'Gone' | 'Failed';

interface View {
  readonly id: string;
  readonly state: State;
  readonly entry: Toy | undefined;
  readonly listed: boolean;
  readonly times: number;
}

interface Case {
  readonly row: string;
  readonly situation: string;
  readonly source: View | undefined;
  readonly target: View | undefined;
  /** The link that the case is about; on A14 the old source's. */
  readonly link: ToyLink | undefined;
  /** What the record says. */
  readonly sourceId: string;
  readonly targetId: string;
}

const DEFAULTS: Record<string, string> = {
  Confirmed: 'UpdateTarget',
  Found: 'UpdateTarget',
  Absent: 'CreateTarget',
  SourceIgnored: 'Ignore',
  TargetIgnored: 'Ignore',
  LinkOnly: 'Unlink',
  AllGone: 'Unlink',
};

export function expectRun(world: ToyWorld, mapping: ToyMapping): Expected {
  return new Oracle(world, mapping).run();
}

class Oracle {
  readonly world: ToyWorld;
  readonly mapping: ToyMapping;
  readonly sources: View[];
  readonly targets: View[];
  readonly linksBefore: readonly ToyLink[];
  readonly cases: Case[] = [];
  readonly failures: { source: string; target: string; links: string[] }[] = [];
  readonly claimed: Set<string> = new Set();
  /** Target id → source ids. */
  readonly wants: Map<string, Set<string>> = new Map();
  readonly lines: string[] = [];
  readonly effects: (() => void)[] = [];
  missed = false;
  uncorrelated = false;
  readonly totals = { inSync: 0, applied: 0, held: 0, failed: 0 };

  constructor(world: ToyWorld, mapping: ToyMapping) {
    this.world = world;
    this.mapping = mapping;
    world.runs++;
    this.sources = listing(mapping.source, judgeSource);
    this.targets = listing(world.target, judgeTarget);
    this.linksBefore = mapping.links;
  }

  run(): Expected {
    this.settleMarks();
    this.judge();
    const stalled = this.isStalled();
    this.keepClocks(stalled);
    const sorted = this.cases.toSorted(
      (one, two) => order(one.sourceId, two.sourceId) || order(one.targetId, two.targetId),
    );
    for (const one of sorted) this.respond(one, stalled);
    for (const { source, target } of this.failures) {
      this.lines.push(`- - - Failed ${source}→${target}`);
      this.totals.failed++;
    }
    for (const effect of this.effects) effect();
    this.rememberRead();
    const counts: Record<string, number> = {};
    for (const { situation } of this.cases) counts[situation] = (counts[situation] ?? 0) + 1;
    const { failed, held } = this.totals;
    const whole = this.mapping.source.evidence !== 'No' && this.world.target.evidence !== 'No';
    const calm = whole ? 'Succeeded' : 'Degraded';
    const outcome = stalled ? 'Stalled' : failed > 0 ? 'Degraded' : held > 0 ? 'Held' : calm;
    return { lines: this.lines.toSorted(), outcome, counts, inSync: this.totals.inSync };
  }

  // --- facts ------------------------------------------------------------------------------------------------

  source(id: string): View {
    return this.sources.find((view) => view.id === id) ?? reread(this.mapping.source, id, judgeSource);
  }

  target(id: string): View {
    return this.targets.find((view) => view.id === id) ?? reread(this.world.target, id, judgeTarget);
  }

  linkOf(source: string): ToyLink | undefined {
    return this.linksBefore.find((link) => link.source === source);
  }

  linkTo(target: string): ToyLink | undefined {
    return this.linksBefore.find((link) => link.target === target);
  }

  /** "A linked entry that carries our disable mark is present, never outside." */
  linkedTarget(link: ToyLink): 'Present' | 'Outside' | 'Absent' | 'Failed' {
    const view = this.target(link.target);
    if (view.state === 'Gone') return 'Absent';
    if (view.state === 'Failed') return 'Failed';
    if (this.isMarked(view)) return 'Present';
    return view.listed && view.state === 'In' ? 'Present' : 'Outside';
  }

  isMarked(view: View): boolean {
    return this.world.target.marks.includes(view.id) && view.entry?.state === 'off';
  }

  /** Dropped when the entry is gone or seen not disabled. */
  settleMarks(): void {
    const { target } = this.world;
    target.marks = target.marks.filter((id) => {
      const view = this.target(id);
      const isSeen = view.listed || this.linkTo(id) !== undefined;
      return !isSeen || view.state === 'Failed' || view.entry?.state === 'off';
    });
  }

  /** Undefined: it cannot be evaluated. */
  hits(source: View): string[] | undefined {
    for (const rule of this.mapping.correlate) {
      if (keysOf(source.entry, rule) === undefined) return undefined;
      const found = this.hitsBy(rule, [source.entry]);
      if (found.length > 0) return found;
    }
    return [];
  }

  hitsBy(rule: 'key' | 'other' | 'code', entries: readonly (Toy | undefined)[]): string[] {
    const keys = entries.flatMap((entry) => keysOf(entry, rule) ?? []);
    const all = listedEntries(this.world.target);
    return [
      ...new Set(
        all.filter((one) => valuesOf(one, rule).some((value) => keys.includes(value))).map(({ id }) => id),
      ),
    ];
  }

  /** Every hit that an entry that could not be judged may have meant. */
  possibleHits(source: View): string[] {
    const found = new Set<string>();
    const all = listedEntries(this.mapping.source).filter(({ id }) => id === source.id);
    for (const entry of source.listed ? all : [source.entry]) {
      for (const rule of this.mapping.correlate) {
        if (keysOf(entry, rule) === undefined) {
          this.uncorrelated = true;
        }
        for (const hit of this.hitsBy(rule, [entry])) found.add(hit);
      }
    }
    return [...found];
  }

  // --- tables -----------------------------------------------------------------------------------------------

  judge(): void {
    const isUnlistedThere = (link: ToyLink): boolean => {
      const source = this.source(link.source);
      return (
        !source.listed &&
        !this.target(link.target).listed &&
        source.state !== 'Gone' &&
        source.state !== 'Failed'
      );
    };
    const missed = this.linksBefore.filter(isUnlistedThere).map((link) => this.source(link.source));
    if (missed.some(({ state }) => state === 'In')) this.missed = true;
    const subjects = [...this.sources, ...missed];
    const meant = new Map<View, string[] | 'Failed'>();
    for (const source of subjects) meant.set(source, this.correlate(source));
    for (const source of subjects) this.tableA(source, meant.get(source) ?? []);
    this.tableB();
    this.tableC();
  }

  correlate(source: View): string[] | 'Failed' {
    const link = this.linkOf(source.id);
    const linked = link ? this.linkedTarget(link) : 'None';
    if (source.state === 'Failed') {
      this.meanAnything(source, link, !link);
      return 'Failed';
    }
    if (linked === 'Failed') {
      if (link && source.state === 'In' && !this.target(link.target).listed)
        this.meanAnything(source, link, true);
      return 'Failed';
    }
    const needs = linked === 'None' || (linked === 'Absent' && source.state === 'In');
    if (!needs) return [];
    const hits = this.hits(source);
    if (hits === undefined) {
      this.meanAnything(source, link, true);
      return 'Failed';
    }
    if (source.state === 'In') for (const hit of hits) this.want(source.id, hit);
    return hits;
  }

  /** "Its link's target or every hit it may have meant": a target that cannot be looked at may have a successor. */
  meanAnything(source: View, link: ToyLink | undefined, isFree: boolean): void {
    this.claimAndWant(source.id, [
      ...(link ? [link.target] : []),
      ...(isFree ? this.possibleHits(source) : []),
    ]);
  }

  want(source: string, target: string): void {
    this.wants.set(target, (this.wants.get(target) ?? new Set()).add(source));
  }

  claimAndWant(source: string, targets: readonly string[]): void {
    for (const target of targets) {
      this.claimed.add(target);
      if (this.target(target).listed) this.want(source, target);
    }
  }

  isWantedByOthers(target: string, than: string | undefined): boolean {
    return [...(this.wants.get(target) ?? [])].some((source) => source !== than);
  }

  tableA(source: View, meant: readonly string[] | 'Failed'): void {
    const link = this.linkOf(source.id);
    if (link) this.claimed.add(link.target);
    if (meant === 'Failed') {
      this.fail(source.id, link?.target ?? '-', source.times);
      return;
    }
    const linked = link ? this.linkedTarget(link) : 'None';
    const row = this.rowOfA(source, linked, meant);
    const [hit] = meant;
    for (const one of meant) {
      const single = meant.length === 1 && this.linkTo(one) !== undefined;
      if (!single || ['A10', 'A14', 'A15'].includes(row)) this.claimed.add(one);
    }
    const isHit = ['A2', 'A8', 'A12', 'A14', 'A18'].includes(row) && hit !== undefined;
    const about = row === 'A14' && hit !== undefined ? this.linkTo(hit) : link;
    const targetId = isHit ? hit : (link?.target ?? '-');
    this.cases.push({
      row,
      situation: SITUATION_OF[row] ?? '',
      source,
      target: targetId === '-' ? undefined : this.target(targetId),
      link: about,
      sourceId: source.id,
      targetId,
    });
  }

  rowOfA(
    source: View,
    linked: 'None' | 'Present' | 'Outside' | 'Absent' | 'Failed',
    hits: readonly string[],
  ): string {
    const [hit] = hits;
    const only = hits.length === 1 && hit !== undefined ? hit : undefined;
    const isFree =
      only !== undefined && this.isJudged(only) && this.linkTo(only) === undefined && this.isIn(only);
    const isUnwanted = isFree && !this.wants.has(only);
    const isMine = isFree && !this.isWantedByOthers(only, source.id);
    const there = linked === 'Present' || linked === 'Outside';
    if (source.state === 'Deleted') {
      if (there) return 'A1';
      return linked === 'Absent' ? 'A3' : isUnwanted ? 'A2' : 'A4';
    }
    if (source.state === 'Out') {
      if (there) return 'A16';
      return linked === 'Absent' ? 'A17' : isUnwanted ? 'A18' : 'A19';
    }
    if (there) return linked === 'Present' ? 'A5' : 'A6';
    const owner = only === undefined ? undefined : this.ownerOf(only);
    if (linked === 'Absent') {
      if (hits.length === 0) return 'A7';
      if (isMine) return 'A8';
      return owner === 'Present' || owner === 'Lost' ? 'A9' : 'A10';
    }
    if (hits.length === 0) return 'A11';
    if (isMine) return 'A12';
    if (owner === 'Present') return 'A13';
    return owner === 'Lost' && only !== undefined && !this.isWantedByOthers(only, source.id) ? 'A14' : 'A15';
  }

  isJudged(target: string): boolean {
    return this.target(target).state !== 'Failed';
  }

  isIn(target: string): boolean {
    return this.target(target).state === 'In';
  }

  ownerOf(target: string): 'Present' | 'Lost' | 'Unjudged' | undefined {
    const link = this.linkTo(target);
    if (!this.isJudged(target)) return 'Unjudged';
    if (!link) return undefined;
    const { state } = this.source(link.source);
    if (state === 'Failed') return 'Unjudged';
    return state === 'In' ? 'Present' : 'Lost';
  }

  tableB(): void {
    for (const target of this.targets) {
      const link = this.linkTo(target.id);
      if (target.state === 'Failed') {
        this.fail('-', target.id, target.times);
        continue;
      }
      if (link && this.source(link.source).listed) continue;
      if (this.claimed.has(target.id)) continue;
      if (link) this.tableBLinked(target, link);
      else {
        const held = target.state === 'In' && this.holder(target.id);
        const row = target.state !== 'In' ? 'B1' : held ? 'B2' : 'B4';
        this.push({ row, target, sourceId: '-', targetId: target.id });
      }
    }
  }

  tableBLinked(target: View, link: ToyLink): void {
    const source = this.source(link.source);
    if (source.state === 'Failed') {
      this.fail(link.source, link.target, 1);
      return;
    }
    const row = { Gone: 'B5', Deleted: 'B6', Out: 'B7', In: 'B8' }[source.state];
    if (row === 'B8') this.missed = true;
    this.push({
      row,
      source: source.state === 'Gone' ? undefined : source,
      target,
      link,
      sourceId: link.source,
      targetId: link.target,
    });
  }

  tableC(): void {
    for (const link of this.linksBefore) {
      const source = this.source(link.source);
      const target = this.target(link.target);
      if (source.listed || target.listed) continue;
      if (source.state === 'Failed' || (source.state === 'Gone' && target.state === 'Failed')) {
        this.fail(link.source, link.target, 1);
      } else if (source.state === 'Gone') {
        const row = target.state === 'Gone' ? 'C1' : 'C2';
        this.push({ row, target, link, sourceId: link.source, targetId: link.target });
      }
    }
  }

  push(one: Pick<Case, 'row' | 'sourceId' | 'targetId'> & Partial<Case>): void {
    this.cases.push({
      situation: SITUATION_OF[one.row] ?? '',
      source: undefined,
      target: undefined,
      link: undefined,
      ...one,
    });
  }

  fail(source: string, target: string, times: number): void {
    const links = [`Source|${source}`, `Target|${target}`];
    for (let count = 0; count < times; count++) this.failures.push({ source, target, links });
  }

  others(): ToyMapping[] {
    return this.world.mappings.filter((one) => one !== this.mapping);
  }

  holder(target: string): boolean {
    return this.others().some(
      (one) => one.links.some((link) => link.target === target) || one.wants.includes(target),
    );
  }

  // --- clocks and guards ------------------------------------------------------------------------------------

  isStalled(): boolean {
    const isPresent = ({ state }: View): boolean => state === 'In' || state === 'Failed';
    const targetsInScope = this.targets.some(isPresent);
    const links = this.linksBefore.length > 0;
    return (!this.sources.some(isPresent) && (targetsInScope || links)) || (!targetsInScope && links);
  }

  isSourceAccepted(): boolean {
    const empty = !this.sources.some(({ state }) => state === 'In' || state === 'Failed');
    const something =
      this.targets.some(({ state }) => state === 'In' || state === 'Failed') || this.linksBefore.length > 0;
    return this.mapping.source.evidence !== 'No' && !(empty && something);
  }

  keepClocks(stalled: boolean): void {
    const { mapping, world } = this;
    const complete = !stalled && mapping.source.evidence !== 'No' && this.world.target.evidence !== 'No';
    const seen = new Set(this.cases.map(clockOf));
    const failed = new Set(this.failures.flatMap(({ links }) => links));
    const judged = new Set(
      this.cases.flatMap((one) => [
        `Source|${one.sourceId}`,
        `Target|${one.targetId}`,
        `Source|${one.link?.source}`,
        `Target|${one.link?.target}`,
      ]),
    );
    const kept = Object.entries(mapping.clocks).filter(([clock]) => {
      const entry = clock.split('|').slice(0, 2).join('|');
      return seen.has(clock) || failed.has(entry) || !(complete || judged.has(entry));
    });
    mapping.clocks = Object.fromEntries(kept);
    for (const clock of seen) mapping.clocks[clock] ??= world.runs;
  }

  rememberRead(): void {
    if (!this.isSourceAccepted()) return;
    this.mapping.wants = [...this.wants.keys()];
    this.mapping.lastRead = this.world.runs;
  }

  // --- responses --------------------------------------------------------------------------------------------

  respond(one: Case, stalled: boolean): void {
    if (one.situation === 'Confirmed') this.respondConfirmed(one, stalled);
    else this.carryOut(one, this.reduced(one, this.decide(one)), undefined, stalled);
  }

  decide(one: Case): string {
    const neverLinked = one.link === undefined;
    for (const rule of this.mapping.rules) {
      if (!rule.situations.includes(one.situation)) continue;
      const guarded = GUARDED.includes(`${one.situation} ${rule.response}`);
      if (guarded && neverLinked && !rule.evenIfNeverLinked) continue;
      if (holds(rule.when, one, [])) return rule.response;
    }
    return DEFAULTS[one.situation] ?? 'Report';
  }

  reduced(one: Case, response: string): string {
    const lost = ['SourceMissing', 'SourceDeleted', 'Unqualified'].includes(one.situation);
    if (!lost || !WITHDRAWALS.includes(response)) return response;
    const wanted = this.isWantedByOthers(one.targetId, one.source?.id);
    return wanted || this.holder(one.targetId) ? 'Unlink' : response;
  }

  respondConfirmed(one: Case, stalled: boolean): void {
    const { mapping } = this;
    const differences = this.compare(one);
    this.agree(one, differences);
    const changed = differences.map(({ attribute }) => attribute);
    const marked = one.target !== undefined && this.isMarked(one.target);
    let left = differences;
    let markLeft = marked;
    const taken = new Map<string, Difference[]>();
    const give = (response: string, some: readonly Difference[]): void => {
      taken.set(response, [...(taken.get(response) ?? []), ...some]);
    };
    for (const rule of mapping.rules) {
      if (!rule.situations.includes('Confirmed')) continue;
      const isWhole = ['DisableTarget', 'EnableTarget', 'Unlink', 'Fail'].includes(rule.response);
      const ofAuthor = (some: readonly Difference[]): Difference[] =>
        some.filter(({ author }) => rule.change === undefined || author === rule.change);
      const takesMark =
        markLeft && rule.response !== 'UpdateSource' && (rule.change ?? 'SourceChanged') === 'SourceChanged';
      const ofEveryPair = isWhole && rule.response !== 'Fail' && rule.change === undefined;
      const candidates = ofAuthor(isWhole && rule.change !== undefined ? differences : left);
      if (!ofEveryPair && !takesMark && candidates.length === 0) continue;
      if (!holds(rule.when, one, changed)) continue;
      if (isWhole) {
        this.carryOut(one, rule.response, differences, stalled);
        return;
      }
      const own = ofAuthor(left).filter((difference) => canWrite(rule.response, difference));
      if (own.length === 0 && !takesMark) continue;
      give(rule.response, own);
      left = left.filter((difference) => !own.includes(difference));
      if (takesMark) markLeft = false;
    }
    const writable = left.filter(({ outbound }) => outbound);
    if (writable.length > 0 || markLeft) give('UpdateTarget', writable);
    if (left.length > writable.length)
      give(
        'Report',
        left.filter(({ outbound }) => !outbound),
      );
    if (taken.size === 0) this.line(one, '-', 'InSync');
    for (const [response, some] of taken) this.carryOut(one, response, some, stalled);
  }

  /** What is equal is agreed on. */
  agree(one: Case, differences: readonly Difference[]): void {
    const differing = differences.map(({ attribute }) => attribute);
    for (const attribute of this.compared()) {
      if (!differing.includes(attribute)) this.setAgreed(one, attribute, this.desired(one, attribute));
    }
  }

  setAgreed(one: Case, attribute: string, value: string): void {
    this.effects.push(() => {
      this.mapping.links = this.mapping.links.map((link) =>
        link.source === one.sourceId && link.target === one.targetId
          ? { ...link, agreed: { ...link.agreed, [attribute]: value } }
          : link,
      );
    });
  }

  compared(): Attribute[] {
    const inboundOnly = this.mapping.inbound.filter(
      (name) => !this.mapping.outbound.some((other) => other === name),
    );
    return [...this.mapping.outbound, ...inboundOnly];
  }

  isOutbound(attribute: Attribute): boolean {
    return this.mapping.outbound.some((one) => one === attribute);
  }

  /** What should stand on the written side, as text. */
  desired(one: Case, attribute: Attribute): string {
    if (!this.isOutbound(attribute)) return textOf(one.target?.entry, attribute);
    const actual = textOf(one.target?.entry, attribute);
    if (attribute === 'title' && this.mapping.weakTitle && actual !== '') return actual;
    return textOf(one.source?.entry, attribute);
  }

  compare(one: Case): Difference[] {
    const agreed = one.link?.agreed ?? {};
    const isLinked = one.situation === 'Confirmed';
    return this.compared().flatMap((attribute): Difference[] => {
      const outbound = this.isOutbound(attribute);
      const desired = this.desired(one, attribute);
      const actual = textOf(outbound ? one.target?.entry : one.source?.entry, attribute);
      if (desired === actual) return [];
      const [source, target] = outbound ? [desired, actual] : [actual, desired];
      const last = isLinked ? agreed[attribute] : undefined;
      const author =
        last === undefined
          ? 'NeverAgreed'
          : source !== last && target !== last
            ? 'Conflict'
            : source !== last
              ? 'SourceChanged'
              : 'TargetDrifted';
      const inbound = this.mapping.inbound.some((name) => name === attribute);
      return [{ attribute, author, outbound, inbound, from: actual, to: desired }];
    });
  }

  carryOut(
    one: Case,
    response: string,
    differences: readonly Difference[] | undefined,
    stalled: boolean,
  ): void {
    const doing = this.doing(one, response, differences);
    if (typeof doing === 'string') {
      this.line(one, response, doing);
      return;
    }
    const held = this.heldBy(one, response, doing) ?? (stalled ? 'Evidence' : undefined);
    if (held !== undefined) {
      this.line(one, response, `Held by ${held}`);
      return;
    }
    const created = doing.apply();
    this.effects.push(...doing.effects);
    const about = typeof created === 'object' ? { ...one, ...created } : one;
    this.line(about, response, created === 'Refused' ? 'Refused' : doing.linksOnly ? 'Linked' : 'Applied');
  }

  line(one: Case, response: string, outcome: string): void {
    this.lines.push(`${one.row} ${one.situation} ${response} ${outcome} ${one.sourceId}→${one.targetId}`);
    if (outcome === 'InSync') this.totals.inSync++;
    else if (outcome.startsWith('Held')) this.totals.held++;
    else if (outcome === 'Refused' || outcome === 'Failed') this.totals.failed++;
    else if (outcome === 'Applied' || outcome === 'Linked') this.totals.applied++;
  }

  heldBy(one: Case, response: string, doing: Doing): 'Evidence' | 'Dependency' | undefined {
    const shared = ['SourceMissing', 'SourceDeleted', 'Unqualified', 'Unassigned'].includes(one.situation);
    const since = this.mapping.clocks[clockOf(one)] ?? this.world.runs;
    if (shared && WITHDRAWALS.includes(response) && this.others().some(({ lastRead }) => lastRead <= since))
      return 'Dependency';
    const lacks =
      (this.missed && doing.withdraws) ||
      (this.uncorrelated && doing.withdraws && one.situation === 'Unassigned') ||
      (this.mapping.source.evidence === 'No' && this.isHeldWithoutSource(one, response, doing)) ||
      (this.world.target.evidence === 'No' && /^(A([2-4]|[6-9]|1[0-5]|17|18)|C.)$/.test(one.row));
    return lacks ? 'Evidence' : undefined;
  }

  isHeldWithoutSource(one: Case, response: string, doing: Doing): boolean {
    if (doing.writes === 'Source' && this.mapping.source.transactional) return true;
    return /^[BC]/.test(one.row) && (doing.withdraws || response === 'CreateSource');
  }

  /** Not found again by correlation, and created when absent: a second target, so the pair is not unlinked. */
  makesSecondTarget(one: Case): boolean {
    const { source, target } = one;
    if (one.situation !== 'Confirmed' || !source?.entry || !target?.entry) return false;
    for (const rule of this.mapping.correlate) {
      const keys = keysOf(source.entry, rule);
      if (keys === undefined) return false;
      if (valuesOf(target.entry, rule).some((value) => keys.includes(value))) return false;
    }
    return (
      this.decide({ ...one, situation: 'Absent', target: undefined, link: undefined }) === 'CreateTarget'
    );
  }

  /** What a response does to this case; a word where it does nothing. */
  doing(one: Case, response: string, differences: readonly Difference[] | undefined): Doing | string {
    const { mapping, world } = this;
    switch (response) {
      case 'Ignore':
        return 'Ignored';
      case 'Report':
        return 'Reported';
      case 'Fail':
        return 'Failed';
      case 'Link':
        return { ...NOTHING, linksOnly: true, effects: [() => this.relink(one.sourceId, one.targetId, {})] };
      case 'Unlink':
        if (this.makesSecondTarget(one)) return 'Failed';
        return one.link
          ? { ...NOTHING, withdraws: true, effects: [() => this.unlink(one.link?.source)] }
          : 'InSync';
      case 'UpdateTarget':
      case 'UpdateSource':
        return this.updating(
          one,
          response === 'UpdateTarget' ? 'Target' : 'Source',
          differences ?? this.compare(one),
        );
      case 'CreateTarget':
        return { ...NOTHING, writes: 'Target', apply: () => this.createTarget(one) };
      case 'CreateSource':
        if (this.isKnownSource(`s-${one.targetId}`, one.targetId)) return 'Refused';
        return { ...NOTHING, writes: 'Source', apply: () => this.createSource(one) };
      case 'DeleteTarget':
      case 'DeleteSource': {
        const side = response === 'DeleteTarget' ? world.target : mapping.source;
        const id = response === 'DeleteTarget' ? one.targetId : one.sourceId;
        const remove = (): void => {
          side.entries = side.entries.filter((entry) => entry.id !== id);
          if (side === world.target) world.target.marks = world.target.marks.filter((mark) => mark !== id);
          if (one.link) this.unlink(one.link.source);
        };
        return {
          ...NOTHING,
          writes: response === 'DeleteTarget' ? 'Target' : 'Source',
          withdraws: true,
          effects: [remove],
        };
      }
      case 'DisableTarget':
      case 'EnableTarget':
        return this.switching(one, 'Target', response === 'DisableTarget' ? 'off' : 'on');
      case 'DisableSource':
        return this.switching(one, 'Source', 'off');
      default:
        throw new Error(`the oracle does not know ${response}`);
    }
  }

  switching(one: Case, side: 'Source' | 'Target', state: 'on' | 'off'): Doing | string {
    const view = side === 'Target' ? one.target : one.source;
    if ((view?.entry?.state === 'off') === (state === 'off')) return 'InSync';
    const { target } = this.world;
    const effect = (): void => {
      this.edit(side, view?.id ?? '', { state });
      if (side === 'Source') return;
      target.marks = target.marks.filter((mark) => mark !== view?.id);
      if (state === 'off') target.marks.push(view?.id ?? '');
    };
    return { ...NOTHING, writes: side, withdraws: state === 'off', effects: [effect] };
  }

  updating(one: Case, side: 'Source' | 'Target', differences: readonly Difference[]): Doing | string {
    const enables = side === 'Target' && one.target !== undefined && this.isMarked(one.target);
    const own = differences.filter((difference) =>
      side === 'Target' ? difference.outbound : difference.inbound,
    );
    const values = own.map((difference): [Attribute, string] => [
      difference.attribute,
      this.common(one, side, difference),
    ]);
    const isLinked = one.situation === 'Confirmed';
    const agreed = this.agreedAfter(one, values);
    const link = (): void => {
      if (isLinked) for (const [attribute, value] of values) this.setAgreedNow(one, attribute, value);
      else this.relink(one.sourceId, one.targetId, agreed);
    };
    if (own.length === 0 && !enables)
      return isLinked ? 'InSync' : { ...NOTHING, linksOnly: true, effects: [link] };
    const write = (): void => {
      const id = side === 'Target' ? one.targetId : one.sourceId;
      for (const [attribute, value] of values)
        this.edit(side, id, { [attribute]: fromText(attribute, value) });
      if (enables) {
        this.edit('Target', id, { state: 'on' });
        this.world.target.marks = this.world.target.marks.filter((mark) => mark !== id);
      }
      link();
    };
    const before = side === 'Target' ? one.target?.entry : one.source?.entry;
    const clears = values.some(([attribute, value]) => loses(textOf(before, attribute), value));
    return { ...NOTHING, writes: side, withdraws: clears, effects: [write] };
  }

  /** The value that both sides have after the update. */
  common(one: Case, side: 'Source' | 'Target', { attribute }: Difference): string {
    return side === 'Target' ? this.desired(one, attribute) : textOf(one.target?.entry, attribute);
  }

  /** Found and Moved: what is equal already, and what was written. */
  agreedAfter(one: Case, written: readonly [Attribute, string][]): Record<string, string> {
    const differing = this.compare(one).map(({ attribute }) => attribute);
    const equal = this.compared().filter((attribute) => !differing.includes(attribute));
    return Object.fromEntries([
      ...equal.map((attribute): [Attribute, string] => [attribute, this.desired(one, attribute)]),
      ...written,
    ]);
  }

  setAgreedNow(one: Case, attribute: string, value: string): void {
    this.mapping.links = this.mapping.links.map((link) =>
      link.source === one.sourceId ? { ...link, agreed: { ...link.agreed, [attribute]: value } } : link,
    );
  }

  createTarget(one: Case): { targetId: string } {
    const { target } = this.world;
    const id = `new-${++target.created}`;
    const from = one.source?.entry;
    const attributes = Object.fromEntries(this.mapping.outbound.map((name) => [name, from?.[name]]));
    const agreed = Object.fromEntries(this.mapping.outbound.map((name) => [name, textOf(from, name)]));
    this.effects.push(() => {
      target.entries.push({ ...BLANK, ...attributes, id });
      this.relink(one.sourceId, id, agreed);
    });
    return { targetId: id };
  }

  createSource(one: Case): { sourceId: string } | 'Refused' {
    const id = `s-${one.targetId}`;
    const { source } = this.mapping;
    const other = this.linkOf(id);
    if (source.entries.some((entry) => entry.id === id) || (other && other.target !== one.targetId))
      return 'Refused';
    const from = one.target?.entry;
    const phone = this.mapping.inbound.includes('phone') ? { phone: from?.phone } : {};
    const others = this.mapping.inbound.includes('other') ? { other: from?.other ?? [] } : {};
    this.effects.push(() => {
      source.entries.push({ ...BLANK, id, key: from?.key ?? [], ...phone, ...others });
      this.relink(id, one.targetId, {});
    });
    return { sourceId: id };
  }

  /** Known beforehand: refused before anything could hold it. What is there unlisted is refused by the system. */
  isKnownSource(id: string, target: string): boolean {
    const link = this.linkOf(id);
    return this.sources.some((view) => view.id === id) || (link !== undefined && link.target !== target);
  }

  relink(source: string, target: string, agreed: Record<string, string>): void {
    const others = this.mapping.links.filter((link) => link.source !== source && link.target !== target);
    this.mapping.links = [...others, { source, target, agreed }];
  }

  unlink(source: string | undefined): void {
    this.mapping.links = this.mapping.links.filter((link) => link.source !== source);
  }

  edit(side: 'Source' | 'Target', id: string, change: Partial<Toy>): void {
    const own = side === 'Target' ? this.world.target : this.mapping.source;
    own.entries = own.entries.map((entry) => (entry.id === id ? { ...entry, ...change } : entry));
  }
}

type Attribute = 'key' | 'title' | 'phone' | 'other';

interface Difference {
  readonly attribute: Attribute;
  readonly author: string;
  readonly outbound: boolean;
  readonly inbound: boolean;
  readonly from: string;
  readonly to: string;
}

interface Doing {
  readonly writes: 'Source' | 'Target' | 'Nothing';
  readonly withdraws: boolean;
  readonly linksOnly: boolean;
  /** Finds out the id of what is created. */
  readonly apply: () => { targetId: string } | { sourceId: string } | 'Refused' | undefined;
  readonly effects: readonly (() => void)[];
}

const NOTHING: Doing = {
  writes: 'Nothing',
  withdraws: false,
  linksOnly: false,
  apply: () => undefined,
  effects: [],
};
const WITHDRAWALS = ['DeleteTarget', 'DisableTarget'];
const GUARDED = [
  'Found DeleteTarget',
  'Unqualified DisableTarget',
  'Unqualified DeleteTarget',
  'SourceDeleted DisableTarget',
  'SourceDeleted DeleteTarget',
];

export const BLANK: Toy = {
  id: '',
  key: [],
  other: [],
  code: undefined,
  title: undefined,
  phone: undefined,
  scope: undefined,
  gone: false,
  state: undefined,
  filtered: false,
  missed: false,
};

const SITUATION_OF: Record<string, string> = {
  ...{
    A1: 'SourceDeleted',
    A2: 'SourceDeleted',
    A3: 'LinkOnly',
    A4: 'AllGone',
    A5: 'Confirmed',
    A6: 'TargetIgnored',
  },
  ...{ A7: 'Missing', A8: 'Moved', A9: 'FoundAlreadyLinked', A10: 'Ambiguous', A11: 'Absent', A12: 'Found' },
  ...{
    A13: 'FoundAlreadyLinked',
    A14: 'Moved',
    A15: 'Ambiguous',
    A16: 'Unqualified',
    A17: 'LinkOnly',
    A18: 'Unqualified',
  },
  ...{
    A19: 'SourceIgnored',
    B1: 'TargetIgnored',
    B2: 'TargetIgnored',
    B4: 'Unassigned',
    B5: 'SourceMissing',
  },
  ...{ B6: 'SourceDeleted', B7: 'Unqualified', B8: 'Confirmed', C1: 'AllGone', C2: 'SourceMissing' },
};

function canWrite(response: string, { outbound, inbound }: Difference): boolean {
  if (response === 'UpdateTarget') return outbound;
  return response !== 'UpdateSource' || inbound;
}

function holds(when: When | undefined, one: Case, changed: readonly string[]): boolean {
  if (!when) return true;
  if (when.kind === 'Changed') return changed.includes(when.attribute);
  return (when.side === 'source' ? one.source : one.target)?.entry?.title === 'x';
}

/** A pair without a source is known by its target. */
function clockOf(one: Case): string {
  const byTarget = one.situation === 'SourceMissing' || one.sourceId === '-';
  return byTarget ? `Target|${one.targetId}|${one.situation}` : `Source|${one.sourceId}|${one.situation}`;
}

function judgeSource(entry: Toy): State {
  if (entry.gone) return 'Deleted';
  return judgeTarget(entry);
}

function judgeTarget(entry: Toy): State {
  if (entry.scope === 'bad') return 'Failed';
  return entry.scope === 'out' ? 'Out' : 'In';
}

function listedEntries(side: ToySide): Toy[] {
  return side.entries.filter((entry) => !entry.filtered && !entry.missed);
}

function listing(side: ToySide, judge: (entry: Toy) => State): View[] {
  const entries = listedEntries(side);
  return [...new Set(entries.map(({ id }) => id))].map((id) => {
    const same = entries.filter((entry) => entry.id === id);
    const [entry] = same;
    const state = same.length > 1 || !entry ? 'Failed' : judge(entry);
    return { id, state, entry, listed: true, times: same.length };
  });
}

function reread(side: ToySide, id: string, judge: (entry: Toy) => State): View {
  const entry = side.entries.find((one) => one.id === id);
  const view = { id, entry, listed: false, times: 1 };
  if (side.unreadable.includes(id)) return { ...view, entry: undefined, state: 'Failed' };
  if (!entry) return { ...view, state: 'Gone' };
  const state = judge(entry);
  return { ...view, state: state === 'In' && entry.filtered ? 'Out' : state };
}

/** Undefined: the rule's expression fails on this entry. */
function keysOf(entry: Toy | undefined, rule: 'key' | 'other' | 'code'): readonly string[] | undefined {
  if (rule === 'code' && entry?.code === 'bad') return undefined;
  return valuesOf(entry, rule).filter((value) => value !== '');
}

function valuesOf(entry: Toy | undefined, attribute: Attribute | 'code'): readonly string[] {
  const value = entry?.[attribute];
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

function textOf(entry: Toy | undefined, attribute: Attribute): string {
  return [...new Set(valuesOf(entry, attribute))].toSorted().join(',');
}

function fromText(attribute: Attribute, text: string): string | undefined | readonly string[] {
  const values: string[] = text === '' ? [] : text.split(',');
  return attribute === 'key' || attribute === 'other' ? values : values[0];
}

/** More values go than come in their place. */
function loses(before: string, after: string): boolean {
  const [old, fresh] = [before, after].map((text) => (text === '' ? [] : text.split(',')));
  const gone = old?.filter((value) => !fresh?.includes(value)).length ?? 0;
  const added = fresh?.filter((value) => !old?.includes(value)).length ?? 0;
  return gone > added;
}

function order(one: string, two: string): number {
  const [left, right] = [one === '-' ? '' : one, two === '-' ? '' : two];
  return left < right ? -1 : left > right ? 1 : 0;
}
