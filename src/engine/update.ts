/** UpdateTarget and UpdateSource: the attributes and values that differ, and what both sides agree on then. */
import {
  act,
  changeOf,
  IN_SYNC,
  missing,
  putLink,
  type Act,
  type Change,
  type RespondInput,
  type Responded,
} from './act.ts';
import type { Difference } from './compare.ts';
import type { Share } from './decide.ts';
import { sideOf } from './definition.ts';
import { normalName, parentOf } from './dn.ts';
import { valuesOf, type Entry } from './entry.ts';
import { printOf } from './fingerprint.ts';
import { desiredOf } from './map.ts';
import { sameValues, without } from './matching.ts';
import type { LinkEffect, OperationEffect, OperationKind } from './operation.ts';
import type { AttributeChange } from './ports.ts';
import type { RecordedError } from './entry-record.ts';
import { stateChange } from './state-change.ts';

/** Changes as they are found, and the hash of what both sides have when they are made. */
interface Gathered {
  readonly changes: Change[];
  readonly agreed: Map<string, string>;
}

export function update(side: 'Source' | 'Target', share: Share, input: RespondInput): Responded {
  const entry = side === 'Target' ? input.target : input.source;
  if (!entry) return missing(side.toLowerCase());
  const gathered: Gathered = { changes: [], agreed: new Map(input.equal) };
  const add = side === 'Target' ? addOutbound : addInbound;
  for (const difference of share.differences) {
    const error = add(difference, gathered, input);
    if (error) return { kind: 'Error', outcome: 'Failed', error };
  }
  const enabling = side === 'Target' ? enablingOf(entry, input) : undefined;
  if (enabling) gathered.changes.push({ ...enabling, author: 'SourceChanged' });
  if (gathered.changes.length === 0) return linkOnly(input, gathered.agreed);
  return change({ side, kind: 'Update', entry, mark: enabling ? 'Drop' : undefined, ...gathered }, input);
}

/** An account that we have disabled is enabled again by whatever updates it. */
function enablingOf(target: Entry, { marked, definition }: RespondInput): Change | undefined {
  return marked ? stateChange(definition.target, 'Enable', target) : undefined;
}

/** Nothing to write: an unlinked pair is linked, a linked one is in sync. */
function linkOnly(input: RespondInput, agreed: ReadonlyMap<string, string>): Responded {
  const { linked, sourceKey, targetKey } = input;
  if (linked && linked.sourceKey === sourceKey && linked.targetKey === targetKey) return IN_SYNC;
  const settles = input.settles ? input.prints : undefined;
  return act({ kind: 'Link', side: 'Link', link: putLink(input, agreed, settles) });
}

function addOutbound(difference: Difference, { changes, agreed }: Gathered, input: RespondInput): undefined {
  if (!difference.outbound) return;
  const { actual, desired, author } = difference;
  changes.push(changeOf(difference.outbound, actual, desired, author));
  agreed.set(difference.agreedAs, input.valueHashes.of(desired, difference));
}

/** The target's value goes back through the inbound rules that read it; then both sides agree on it. */
function addInbound(
  difference: Difference,
  { changes, agreed }: Gathered,
  input: RespondInput,
): RecordedError | undefined {
  const { definition, source, target, scope, valueHashes } = input;
  if (!source || !target) return undefined;
  for (const rule of difference.inbound) {
    const desired = desiredOf(rule, scope, target, definition.target.schema);
    if (desired.kind === 'Failed') return desired.error;
    if (desired.kind === 'DoesNotApply') continue;
    const actual = valuesOf(source, rule.attribute.name, definition.source.schema);
    if (!sameValues(actual, desired.values, rule.attribute.match))
      changes.push(changeOf(rule, actual, desired.values, difference.author));
  }
  const common = difference.outbound ? difference.actual : difference.desired;
  agreed.set(difference.agreedAs, valueHashes.of(common, difference));
  return undefined;
}

export interface Changing {
  readonly side: 'Source' | 'Target';
  readonly kind: 'Update' | 'Disable' | 'Enable';
  readonly entry: Entry;
  readonly changes: readonly Change[];
  readonly agreed: ReadonlyMap<string, string>;
  readonly mark: 'Put' | 'Drop' | undefined;
}

/** One write to one entry that is there. */
export function change(changing: Changing, input: RespondInput): Responded {
  const { side, kind, entry, changes, mark } = changing;
  const naming = sideOf(input.definition, side).schema.name;
  const renaming = changes.find((one) => one.attribute.name === naming);
  const newName = renaming ? String(renaming.to[0]) : undefined;
  const written = changes.filter((one) => one !== renaming).map(attributeChange);
  return act({
    kind,
    side,
    write: { kind: 'Update', change: { id: entry.id, name: entry.name, newName, changes: written } },
    link: linkAfter(changing, afterwards(entry, newName, written), input),
    mark,
    effects: effectsOf(kind, written, newName !== undefined),
    changes,
    ...namesOf(entry, newName),
  });
}

function linkAfter({ side, agreed }: Changing, after: Entry, input: RespondInput): LinkEffect {
  if (!input.source || !input.target) return { kind: 'None' };
  if (!input.settles) return putLink(input, agreed, undefined);
  const { request, schema } = sideOf(input.definition, side);
  const print = printOf(after, request.attributes, schema, input.digest);
  const settles = side === 'Source' ? { ...input.prints, source: print } : { ...input.prints, target: print };
  return putLink(input, agreed, settles);
}

function namesOf(
  entry: Entry,
  newName: string | undefined,
): Partial<Pick<Act, 'takes' | 'frees' | 'parent'>> {
  if (newName === undefined) return {};
  const frees = normalName(entry.name ?? '');
  return { takes: normalName(newName), frees, parent: normalName(parentOf(newName)) };
}

function attributeChange({ attribute, from, to }: Change): AttributeChange {
  return {
    attribute: attribute.name,
    values: to,
    add: without(to, from, attribute.match),
    remove: without(from, to, attribute.match),
  };
}

/** Clear: more values are lost than come in their place. Enabling counts as Update. */
function effectsOf(
  kind: OperationKind,
  changes: readonly AttributeChange[],
  renames: boolean,
): OperationEffect[] {
  if (kind === 'Disable') return [{ effect: 'Disable', attribute: '' }];
  const effects: OperationEffect[] = [];
  if (changes.length > 0) effects.push({ effect: 'Update', attribute: '' });
  if (renames) effects.push({ effect: 'Rename', attribute: '' });
  if (kind === 'Enable') return effects;
  for (const { attribute, add, remove } of changes) {
    if (remove.length > add.length) effects.push({ effect: 'Clear', attribute });
  }
  return effects;
}

function afterwards(entry: Entry, newName: string | undefined, changes: readonly AttributeChange[]): Entry {
  const attributes = new Map(entry.attributes);
  for (const { attribute, values } of changes) {
    if (values.length === 0) attributes.delete(attribute);
    else attributes.set(attribute, values);
  }
  return { id: entry.id, name: newName ?? entry.name, attributes };
}
