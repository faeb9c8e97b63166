/**
 * Judged pairs → operations and records, in canonical order: decide, map, compare, respond. Nothing is written
 * to a system here; what needs no write is recorded at once, the rest waits in the spool for the guards.
 */
import { byIds, type Judged } from './judged.ts';
import { Comparer, type Comparison } from './compare.ts';
import {
  canWrite,
  decide,
  decideConfirmed,
  type ConfirmedDecision,
  type Decision,
  type Share,
} from './decide.ts';
import type { Entry } from './entry.ts';
import { sharesKey } from './correlate.ts';
import type { Operation } from './operation.ts';
import { isNominated, isPassive, isPlainlyInScope, type PairView, type PlanContext } from './plan-context.ts';
import { NewIds } from './new-ids.ts';
import { PairInput, SeenPair } from './pair-view.ts';
import { prepare } from './prepare.ts';
import { recordOf, type RecordDraft } from './record.ts';
import { reduce } from './reduce.ts';
import type { Change, Responded } from './act.ts';
import { respond } from './respond.ts';
import { settlingOf, type Settling } from './settling.ts';
import type { StoredLink } from './ports.ts';
import type { RecordedError } from './entry-record.ts';

/** Into the order of planning, from the end to the beginning: whoever is planned is taken out. */
export function inPlanOrder(judged: Judged[]): Judged[] {
  return judged.sort(byIds).reverse();
}

const NOTHING_AGREED: ReadonlyMap<string, string> = new Map();
const NO_NAMES: ReadonlySet<string> = new Set();
const NOT_COMPARED: Comparison = { differences: [], equal: NOTHING_AGREED, error: undefined };

export class Planner {
  readonly #context: PlanContext;
  #operations: Operation[] = [];
  readonly #ids: NewIds;
  readonly #settles: Settling;
  readonly #comparer: Comparer;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#settles = settlingOf(context.definition);
    this.#ids = new NewIds(context);
    this.#comparer = new Comparer(context.definition, context.valueHashes);
  }

  /** What comes of so many of them, which are taken out. `judged`: in plan order. */
  plan(judged: Judged[], count: number = Number.MAX_SAFE_INTEGER): readonly Operation[] {
    const operations: Operation[] = [];
    this.#operations = operations;
    for (let left = count; left > 0; left--) {
      const one = judged.pop();
      if (!one) break;
      this.#planOne(one);
    }
    return operations;
  }

  #planOne(judged: Judged): void {
    if (!judged.verdict) {
      this.#context.clocks.leave(judged);
      this.#record({ judged, error: judged.error }, 'Failed');
      return;
    }
    const view = new SeenPair(judged, judged.verdict.situation, this.#context);
    if (view.situation === 'Confirmed') this.#planConfirmed(view);
    else this.#planOther(view);
  }

  // --- every situation but Confirmed ------------------------------------------------------------------

  #planOther(view: PairView): void {
    const { definition } = this.#context;
    const neverLinked = view.judged.pair === undefined;
    const input = { situation: view.situation, scope: view.scope, neverLinked, since: view.since.at };
    const decided = decide(definition, input);
    if (decided.kind === 'Failed') {
      this.#fail(view, decided.error);
      return;
    }
    const decision = reduce(decided.decision, view, this.#context.memory);
    const comparison = this.#compareForUpdate(decision, view);
    if (comparison.error) {
      this.#fail(view, comparison.error);
      return;
    }
    this.#context.summary.addPair(view.situation);
    const differences = comparison.differences.filter((one) => canWrite(decision.response, one));
    const share = { decision, differences };
    const settles =
      (decision.response === 'UpdateTarget' && this.#settles.update && isPlainlyInScope(view)) ||
      (decision.response === 'CreateTarget' && this.#settles.create);
    this.#carryOut(
      view,
      share,
      respond(
        decision.response,
        share,
        new PairInput(view, { ...comparison, settles }, this.#context, this.#ids),
      ),
    );
  }

  /** Update on Found and Moved writes what differs; nothing was agreed between the two before. */
  #compareForUpdate(decision: Decision, view: PairView): Comparison {
    if (!isNominated(view) || isPassive(decision)) return NOT_COMPARED;
    const updates = decision.response === 'UpdateTarget' || decision.response === 'UpdateSource';
    const { source, target } = view;
    if (!source || !target) return NOT_COMPARED;
    if (!this.#context.definition.correlate.some((rule) => sharesKey(rule, source, target, this.#context))) {
      const message = 'correlation nominated an entry whose key differs';
      return { ...NOT_COMPARED, error: { code: 'KeyDiffers', attribute: null, rule: null, message } };
    }
    if (!updates) return NOT_COMPARED;
    return this.#compare(source, target, NOTHING_AGREED, view);
  }

  #compare(source: Entry, target: Entry, agreed: ReadonlyMap<string, string>, view: PairView): Comparison {
    const { unfinished } = this.#context;
    const ours = unfinished.get(view.judged.target?.key ?? '') ?? NOTHING_AGREED;
    return this.#comparer.compare({ source, target, agreed, unfinished: ours, scope: view.scope });
  }

  // --- Confirmed --------------------------------------------------------------------------------------

  #planConfirmed(view: PairView): void {
    const { source, target, link } = view;
    if (!source || !target || !link) {
      const message = 'one side of the pair could not be read';
      this.#fail(view, { code: 'NotFound', attribute: null, rule: null, message });
      return;
    }
    const comparison = this.#compare(source, target, link.agreed, view);
    const decided = comparison.error ?? this.#decideConfirmed(view, comparison);
    if ('code' in decided) this.#fail(view, decided);
    else if (decided.kind === 'Failed') this.#fail(view, decided.error);
    else {
      this.#context.summary.addPair(view.situation);
      this.#answer(view, decided, comparison);
    }
  }

  #decideConfirmed(
    { judged, situation, scope, source, target, since }: PairView,
    { differences }: Comparison,
  ): ConfirmedDecision {
    return decideConfirmed(this.#context.definition, {
      situation,
      scope: {
        source,
        target,
        linkedAt: scope.linkedAt,
        now: scope.now,
        changed: differences.map((one) => one.name),
      },
      neverLinked: false,
      since: since.at,
      differences,
      marked: judged.target?.marked ?? false,
    });
  }

  #answer(
    view: PairView,
    decided: Exclude<ConfirmedDecision, { kind: 'Failed' }>,
    comparison: Comparison,
  ): void {
    if (decided.kind === 'InSync') {
      this.#inSync(view, comparison, decided.passedOver);
      return;
    }
    if (view.link) this.#agree(view.link, comparison);
    const shares = decided.kind === 'Whole' ? [decided.share] : decided.shares;
    for (const share of shares) this.#share(view, share, comparison, shares.length === 1);
  }

  #share(view: PairView, share: Share, comparison: Comparison, alone: boolean): void {
    const updates = share.decision.response === 'UpdateTarget' && this.#settles.update;
    const settles = updates && alone && isPlainlyInScope(view);
    const input = new PairInput(view, { ...comparison, settles }, this.#context, this.#ids);
    const responded = respond(share.decision.response, share, input);
    const isDone = responded.kind === 'Nothing' && responded.outcome === 'InSync';
    if (isDone && alone) this.#inSync(view, comparison, share.decision.passedOver, share);
    else this.#carryOut(view, share, responded);
  }

  #inSync(view: PairView, comparison: Comparison, passedOver: readonly string[], share?: Share): void {
    const { judged, link } = view;
    if (this.#context.remembers && link && judged.verdict?.row === 'A5') this.#settle(view, link, comparison);
    const decision = share?.decision ?? { response: 'Report' as const, rule: undefined, passedOver };
    const draft = share ? { decision } : {};
    this.#record({ judged, passedOver: decision.passedOver, ...draft }, 'InSync');
  }

  /** What is equal is agreed on, whatever is done about the rest. */
  #agree(link: StoredLink, { equal }: Comparison): void {
    const moved = [...equal].some(([name, hash]) => link.agreed.get(name) !== hash);
    if (!moved || !this.#context.remembers) return;
    this.#context.links.put({ ...link, agreed: new Map([...link.agreed, ...equal]) });
  }

  /** Both sides were found equal: the link remembers it, and the pair is quiet until one of them changes. */
  #settle(view: PairView, link: StoredLink, comparison: Comparison): void {
    const { definition, links, source, target } = this.#context;
    const agreed = new Map([...link.agreed, ...comparison.equal]);
    links.put({
      ...link,
      agreed,
      sourcePrint: source.printOf(view.judged.source),
      targetPrint: target.printOf(view.judged.target),
      settledIn: definition.epoch,
    });
  }

  // --- operations -------------------------------------------------------------------------------------

  #carryOut(view: PairView, share: Share, responded: Responded): void {
    const { judged } = view;
    const { decision } = share;
    const changed = share.differences.map(changeOfDifference);
    switch (responded.kind) {
      case 'Nothing':
        if (responded.outcome !== 'InSync') this.#context.remembered.note(judged);
        this.#record(
          { judged, decision, changes: changed, authors: authorsOf(view, share) },
          responded.outcome,
        );
        return;
      case 'Error':
        this.#record(
          {
            judged,
            decision,
            changes: responded.changes ?? changed,
            authors: authorsOf(view, share),
            error: responded.error,
          },
          responded.outcome,
        );
        return;
      case 'Act': {
        const changes = responded.act.changes.length > 0 ? responded.act.changes : changed;
        const record = recordOf({ judged, decision, changes, authors: authorsOf(view, share) }, 'Planned');
        this.#operations.push(prepare(view, { decision, act: responded.act, record }, this.#context));
      }
    }
  }

  #fail(view: PairView, error: RecordedError): void {
    this.#context.clocks.leave(view.judged);
    this.#record({ judged: { ...view.judged, verdict: undefined }, error }, 'Failed');
  }

  #record(draft: RecordDraft, outcome: Parameters<typeof recordOf>[1]): void {
    this.#context.summary.add(recordOf(draft, outcome));
  }
}

function changeOfDifference(difference: Share['differences'][number]): Change {
  const { attribute, sensitive, author, actual, desired } = difference;
  return { attribute, sensitive, author, from: actual, to: desired, reads: NO_NAMES, when: undefined };
}

/** `changes` of a record: the authors of a Confirmed pair's differences. */
function authorsOf(view: PairView, share: Share): string[] {
  if (view.situation !== 'Confirmed') return [];
  const authors = share.differences.map((one) => one.author);
  if (view.judged.target?.marked) authors.push('SourceChanged');
  return [...new Set(authors)].toSorted();
}
