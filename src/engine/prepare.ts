/** What is to be done about a pair, as an operation: what it needs, what it depends on, what may hold it. */
import type { Decision } from './decide.ts';
import { sideOf, type Definition, type Expression, type Situation } from './definition.ts';
import type { Entry } from './entry.ts';
import { endsOf, type Judged } from './judged.ts';
import { digestOf, type Operation, type OperationBody } from './operation.ts';
import type { PairView, PlanContext } from './plan-context.ts';
import type { Act, Change } from './act.ts';

export interface Prepared {
  readonly decision: Decision;
  readonly act: Act;
  readonly record: OperationBody['record'];
}

export function prepare(view: PairView, prepared: Prepared, context: PlanContext): Operation {
  const { definition, digest, valueHashes, bodies } = context;
  const { decision, act, record } = prepared;
  // What a new target entry has is what both sides agree on: the hashes are there already.
  const agreed = act.kind === 'Create' && act.link.kind === 'Put' ? act.link.agreed : undefined;
  const hashes = Object.fromEntries(
    act.changes.map((change) => {
      const { name } = change.attribute;
      return [name, agreed?.get(name) ?? valueHashes.of(change.to, change)];
    }),
  );
  const { kind, side, effects, takes, frees, parent } = act;
  const identity = { kind, side, takes, ...identityOf(view.judged) };
  const body: OperationBody = { record, write: act.write, link: act.link, mark: act.mark, hashes };
  return {
    ...identity,
    response: decision.response,
    situation: view.situation,
    row: view.judged.verdict?.row ?? '',
    effects,
    withdraws: ['Delete', 'Disable', 'Unlink'].includes(kind) || clears(effects),
    frees,
    parent,
    clearedFrom: clearedFrom(act),
    decidedBy: decidedBy(decision, act.changes, definition),
    protectedBy: protection(act, view, context),
    waitsFor: waitsFor(decision, view, context),
    body: bodies.put(body),
    digest: digestOf(definition.mapping, identity, hashes, digest),
    held: undefined,
    released: false,
  };
}

const NOTHING: readonly string[] = [];

function clears(effects: Act['effects']): boolean {
  return effects.some((one) => one.effect === 'Clear');
}

function clearedFrom({ effects, changes }: Act): readonly string[] {
  if (!clears(effects)) return NOTHING;
  const cleared = effects.filter((one) => one.effect === 'Clear').map((one) => one.attribute);
  return changes.filter((one) => cleared.includes(one.attribute.name)).flatMap((one) => [...one.reads]);
}

function identityOf(judged: Judged): Pick<Operation, 'sourceId' | 'targetId' | 'sourceKey' | 'targetKey'> {
  const { source, target } = endsOf(judged);
  return {
    sourceKey: source?.key,
    targetKey: target?.key,
    sourceId: source?.id ?? '',
    targetId: target?.id ?? '',
  };
}

/** What a condition read that decided here: the rule's, those passed over, and those of the attributes written. */
function decidedBy(
  decision: Decision,
  changes: readonly Change[],
  definition: Definition,
): Operation['decidedBy'] {
  const passed = definition.rules.filter(
    (rule) =>
      rule === decision.rule || decision.passedOver.some((note) => note.startsWith(`${rule.name}: when`)),
  );
  const conditions = [...passed.map((rule) => rule.when), ...changes.map((change) => change.when)];
  const own = conditions.filter((one) => one !== undefined);
  return own.length === 0 ? ofEveryEntry(definition) : readBy(definition, own);
}

const OF_EVERY_ENTRY: WeakMap<Definition, Operation['decidedBy']> = new WeakMap();

/** Most operations have no condition of their own: one list is good for all of them. */
function ofEveryEntry(definition: Definition): Operation['decidedBy'] {
  const known = OF_EVERY_ENTRY.get(definition);
  if (known) return known;
  const fresh = readBy(definition, []);
  OF_EVERY_ENTRY.set(definition, fresh);
  return fresh;
}

function readBy({ source, target }: Definition, own: readonly Expression[]): Operation['decidedBy'] {
  const conditions = [source.where, source.deletedWhen, target.where, ...own].filter(
    (one) => one !== undefined,
  );
  return {
    source: [...new Set(conditions.flatMap((one) => [...one.reads.source]))],
    target: [...new Set(conditions.flatMap((one) => [...one.reads.target]))],
  };
}

/** `protect` names entries that are never written; an expression there that fails protects. */
function protection(act: Act, view: PairView, { definition, now }: PlanContext): string | undefined {
  if (act.side === 'Link') return undefined;
  const present = act.side === 'Source' ? view.source : view.target;
  for (const entry of [act.write.kind === 'Create' ? undefined : present, futureEntry(act, present)]) {
    const rule = entry && sideOf(definition, act.side).protect.find((one) => isProtected(one, entry, now));
    if (rule) return rule.text;
  }
  return undefined;
}

export function isProtected(rule: Expression, entry: Entry, now: number): boolean {
  const result = rule.evaluate({ entry, now });
  return result.kind === 'Failed' || result.values[0] === 'true';
}

/** The entry as it would be after a create or a rename. */
function futureEntry({ write }: Act, present: Entry | undefined): Entry | undefined {
  if (write.kind === 'Create') return { id: '', ...write.entry };
  if (write.kind !== 'Update' || !present || write.change.newName === undefined) return undefined;
  return { ...present, name: write.change.newName };
}

const SHARED: readonly Situation[] = ['SourceMissing', 'SourceDeleted', 'Unqualified', 'Unassigned'];

/** The last holder lets go: until every other mapping of the target object has looked, nothing is withdrawn. */
function waitsFor({ response }: Decision, view: PairView, context: PlanContext): string | undefined {
  const withdraws = response === 'DeleteTarget' || response === 'DisableTarget';
  if (!withdraws || !SHARED.includes(view.situation)) return undefined;
  const { definition, memory } = context;
  return definition.siblings.find((mapping) => (memory.lastReadRun(mapping) ?? -1) <= view.since.run);
}
