/**
 * Response → operation: what a decided response means for this pair. What is already so is in sync and no
 * operation; what cannot be done is refused or failed here, before anything is written.
 */
import type { Decision, Share } from './decide.ts';
import type { AttributeRule, Definition, Response, Scope, SideDefinition } from './definition.ts';
import { normalName, parentOf } from './dn.ts';
import type { Difference } from './compare.ts';
import { valuesOf, type AttributeSchema, type Entry, type Value } from './entry.ts';
import { hashValues, printOf } from './fingerprint.ts';
import { desiredOf } from './map.ts';
import { sameValue, sameValues, without } from './matching.ts';
import type { LinkEffect, OperationEffect, OperationKind, Write } from './operation.ts';
import type { AttributeChange, Digest, RecordedError } from './ports.ts';

export interface RespondInput {
  readonly definition: Definition;
  readonly digest: Digest;
  readonly source: Entry | undefined;
  readonly target: Entry | undefined;
  readonly sourceKey: string | undefined;
  readonly targetKey: string | undefined;
  readonly scope: Scope;
  /** The link to remove on Unlink and Delete: the pair's own, on A14 the old source's. */
  readonly linked: { readonly sourceKey: string; readonly targetKey: string } | undefined;
  readonly marked: boolean;
  readonly prints: { readonly source: Uint8Array | undefined; readonly target: Uint8Array | undefined };
  /** Hashes of what is equal already. */
  readonly equal: ReadonlyMap<string, string>;
  /** This is all that the pair needs: when it is done the pair is settled. */
  readonly settles: boolean;
  /** Who has, or is about to get, this id on that side; undefined: it is free. */
  readonly idHolder: (side: 'Source' | 'Target', id: string) => string | undefined;
}

/** A change for records: what stands there now and what shall. */
export interface Change {
  readonly attribute: AttributeSchema;
  readonly sensitive: boolean;
  readonly author: string | null;
  readonly from: readonly Value[];
  readonly to: readonly Value[];
  /** Attributes of the other side that it comes from. */
  readonly reads: readonly string[];
  /** Its rule's condition, where it has one. */
  readonly when: AttributeRule['when'];
}

export interface Act {
  readonly kind: OperationKind;
  readonly side: 'Source' | 'Target' | 'Link';
  readonly write: Write;
  readonly link: LinkEffect;
  readonly mark: 'Put' | 'Drop' | undefined;
  readonly effects: readonly OperationEffect[];
  readonly changes: readonly Change[];
  readonly takes: string | undefined;
  readonly frees: string | undefined;
  readonly parent: string | undefined;
}

export type Responded =
  | { readonly kind: 'Nothing'; readonly outcome: 'Ignored' | 'Reported' | 'InSync' }
  | {
      readonly kind: 'Error';
      readonly outcome: 'Failed' | 'Refused';
      readonly error: RecordedError;
      readonly changes?: readonly Change[];
    }
  | { readonly kind: 'Act'; readonly act: Act };

const NOT_NAMED = { takes: undefined, frees: undefined, parent: undefined };
const IN_SYNC: Responded = { kind: 'Nothing', outcome: 'InSync' };

export function respond(response: Response, share: Share, input: RespondInput): Responded {
  switch (response) {
    case 'Ignore':
      return { kind: 'Nothing', outcome: 'Ignored' };
    case 'Report':
      return { kind: 'Nothing', outcome: 'Reported' };
    case 'Fail':
      return failedByPolicy(share.decision);
    case 'Link':
      return act({ kind: 'Link', side: 'Link', link: putLink(input, new Map(), undefined) });
    case 'Unlink':
      return unlink(input);
    case 'CreateTarget':
      return create('Target', input);
    case 'CreateSource':
      return create('Source', input);
    case 'UpdateTarget':
      return update('Target', share, input);
    case 'UpdateSource':
      return update('Source', share, input);
    case 'DeleteTarget':
      return remove('Target', input);
    case 'DeleteSource':
      return remove('Source', input);
    case 'DisableTarget':
      return setState('Target', 'Disable', input);
    case 'DisableSource':
      return setState('Source', 'Disable', input);
    case 'EnableTarget':
      return setState('Target', 'Enable', input);
    case 'EnableSource':
      return setState('Source', 'Enable', input);
  }
}

function act(parts: Pick<Act, 'kind' | 'side' | 'link'> & Partial<Act>): Responded {
  const base = { write: { kind: 'None' } as const, mark: undefined, effects: [], changes: [], ...NOT_NAMED };
  return { kind: 'Act', act: { ...base, ...parts } };
}

function failedByPolicy(decision: Decision): Responded {
  const rule = decision.rule?.name ?? null;
  const message = `the policy asks for failure here (rule ${rule ?? 'default'})`;
  return {
    kind: 'Error',
    outcome: 'Failed',
    error: { code: 'FailedByPolicy', attribute: null, rule, message },
  };
}

function unlink(input: RespondInput): Responded {
  if (input.linked === undefined) return IN_SYNC;
  return act({ kind: 'Unlink', side: 'Link', link: { kind: 'Remove', sourceKey: input.linked.sourceKey } });
}

/** `settles` undefined keeps the pair on the list for a full look. */
function putLink(input: RespondInput, agreed: ReadonlyMap<string, string>, settles: LinkSettles): LinkEffect {
  return { kind: 'Put', sourceId: input.source?.id, targetId: input.target?.id, agreed, settles };
}

type LinkSettles = Extract<LinkEffect, { kind: 'Put' }>['settles'];

function sideOf(definition: Definition, side: 'Source' | 'Target'): SideDefinition {
  return side === 'Source' ? definition.source : definition.target;
}

// --- create ---------------------------------------------------------------------------------------------

function create(side: 'Source' | 'Target', input: RespondInput): Responded {
  const { definition, scope, digest } = input;
  const from = side === 'Target' ? input.source : input.target;
  if (!from) return missing(side === 'Target' ? 'source' : 'target');
  const rules = side === 'Target' ? definition.outbound : definition.inbound;
  const fromSchema = side === 'Target' ? definition.source.schema : definition.target.schema;
  const own = sideOf(definition, side);
  const attributes = new Map<string, readonly Value[]>();
  const changes: Change[] = [];
  const agreed = new Map<string, string>();
  let name: string | undefined;
  for (const rule of rules) {
    if (!rule.onCreate) continue;
    const desired = desiredOf(rule, scope, from, fromSchema);
    if (desired.kind === 'Failed') return { kind: 'Error', outcome: 'Failed', error: desired.error };
    if (desired.kind === 'DoesNotApply') continue;
    agreed.set(
      side === 'Target' ? rule.attribute.name : `source:${rule.attribute.name}`,
      hashValues(desired.values, rule.attribute, digest),
    );
    if (desired.values.length === 0) continue;
    changes.push(changeOf(rule, [], desired.values));
    if (rule.attribute.name === own.schema.name) name = String(desired.values[0]);
    else attributes.set(rule.attribute.name, desired.values);
  }
  const refusal = refuseCreate(own, attributes, name, input);
  if (refusal) return { ...refusal, changes };
  const settles = input.settles ? { source: input.prints.source, target: input.prints.target } : undefined;
  const link: LinkEffect = {
    kind: 'Put',
    sourceId: side === 'Source' ? undefined : from.id,
    targetId: side === 'Target' ? undefined : from.id,
    agreed: side === 'Target' ? agreed : new Map(),
    settles: settles && side === 'Target' ? { ...settles, target: undefined } : undefined,
  };
  return act({
    kind: 'Create',
    side,
    write: { kind: 'Create', entry: { name, attributes } },
    link,
    effects: [{ effect: 'Create', attribute: '' }],
    changes,
    ...(name === undefined
      ? NOT_NAMED
      : { takes: normalName(name), frees: undefined, parent: normalName(parentOf(name)) }),
  });
}

type Refusal = Extract<Responded, { kind: 'Error' }>;

function refuseCreate(
  own: SideDefinition,
  attributes: ReadonlyMap<string, readonly Value[]>,
  name: string | undefined,
  input: RespondInput,
): Refusal | undefined {
  const { schema } = own;
  if (schema.name !== undefined && name === undefined) {
    return refused(
      'Failed',
      'MissingName',
      schema.name,
      `the mapping gives no ${schema.name}; add an attribute rule for it`,
    );
  }
  if (schema.idChosenBy === 'System') return undefined;
  const [id] = attributes.get(schema.id) ?? [];
  if (typeof id !== 'string' || id === '') {
    return refused(
      'Failed',
      'MissingId',
      schema.id,
      `attribute ${schema.id} is the id of a new entry and has no value`,
    );
  }
  const holder = input.idHolder(own.side, id);
  return holder === undefined ? undefined : refused('Refused', 'AlreadyExists', schema.id, holder);
}

function refused(outcome: 'Failed' | 'Refused', code: string, attribute: string, message: string): Refusal {
  return { kind: 'Error', outcome, error: { code, attribute, rule: null, message } };
}

function missing(what: string): Responded {
  const message = `there is no ${what} entry to take values from or to write to`;
  return {
    kind: 'Error',
    outcome: 'Failed',
    error: { code: 'NotFound', attribute: null, rule: null, message },
  };
}

function changeOf(
  rule: AttributeRule,
  from: readonly Value[],
  to: readonly Value[],
  author: string | null = null,
): Change {
  const { attribute, sensitive, when } = rule;
  return { attribute, sensitive, author, from, to, reads: [...rule.reads], when };
}

// --- update ---------------------------------------------------------------------------------------------

function update(side: 'Source' | 'Target', share: Share, input: RespondInput): Responded {
  const entry = side === 'Target' ? input.target : input.source;
  if (!entry) return missing(side.toLowerCase());
  const changes: Change[] = [];
  const agreed = new Map(input.equal);
  for (const difference of share.differences) {
    const error =
      side === 'Target'
        ? addOutbound(difference, changes, agreed, input)
        : addInbound(difference, entry, changes, agreed, input);
    if (error) return { kind: 'Error', outcome: 'Failed', error };
  }
  const enabling =
    side === 'Target' && input.marked ? stateChange(input.definition.target, 'Enable', entry) : undefined;
  if (enabling) changes.push({ ...enabling, author: 'SourceChanged' });
  if (changes.length === 0) return linkOnly(input, agreed);
  return change(side, 'Update', entry, changes, agreed, input, enabling ? 'Drop' : undefined);
}

/** Nothing to write: an unlinked pair is linked, a linked one is in sync. */
function linkOnly(input: RespondInput, agreed: ReadonlyMap<string, string>): Responded {
  const { linked, sourceKey, targetKey } = input;
  if (linked && linked.sourceKey === sourceKey && linked.targetKey === targetKey) return IN_SYNC;
  return act({
    kind: 'Link',
    side: 'Link',
    link: putLink(input, agreed, input.settles ? input.prints : undefined),
  });
}

function addOutbound(
  difference: Difference,
  changes: Change[],
  agreed: Map<string, string>,
  input: RespondInput,
): undefined {
  if (!difference.outbound) return;
  const { actual, desired, author } = difference;
  changes.push(changeOf(difference.outbound, actual, desired, author));
  agreed.set(difference.agreedAs, hashValues(desired, difference.attribute, input.digest));
}

/** The target's value goes back through the inbound rules that read it; then both sides agree on it. */
function addInbound(
  difference: Difference,
  entry: Entry,
  changes: Change[],
  agreed: Map<string, string>,
  input: RespondInput,
): RecordedError | undefined {
  const { definition, target, scope, digest } = input;
  if (!target) return undefined;
  for (const rule of difference.inbound) {
    const desired = desiredOf(rule, scope, target, definition.target.schema);
    if (desired.kind === 'Failed') return desired.error;
    if (desired.kind === 'DoesNotApply') continue;
    const actual = valuesOf(entry, rule.attribute.name, definition.source.schema);
    if (!sameValues(actual, desired.values, rule.attribute.match))
      changes.push(changeOf(rule, actual, desired.values, difference.author));
  }
  const common = difference.outbound ? difference.actual : difference.desired;
  agreed.set(difference.agreedAs, hashValues(common, difference.attribute, digest));
  return undefined;
}

function change(
  side: 'Source' | 'Target',
  kind: 'Update' | 'Disable' | 'Enable',
  entry: Entry,
  changes: readonly Change[],
  agreed: ReadonlyMap<string, string>,
  input: RespondInput,
  mark: 'Put' | 'Drop' | undefined,
): Responded {
  const own = sideOf(input.definition, side);
  const renaming = changes.find((one) => one.attribute.name === own.schema.name);
  const newName = renaming ? String(renaming.to[0]) : undefined;
  const written = changes.filter((one) => one !== renaming).map(attributeChange);
  const after = afterwards(entry, newName, written);
  const print = printOf(after, own.request.attributes, own.schema, input.digest);
  const prints = side === 'Source' ? { ...input.prints, source: print } : { ...input.prints, target: print };
  const link: LinkEffect =
    input.source && input.target
      ? putLink(input, agreed, input.settles ? prints : undefined)
      : { kind: 'None' };
  const names =
    newName === undefined
      ? NOT_NAMED
      : {
          takes: normalName(newName),
          frees: normalName(entry.name ?? ''),
          parent: normalName(parentOf(newName)),
        };
  return act({
    kind,
    side,
    write: { kind: 'Update', change: { id: entry.id, name: entry.name, newName, changes: written } },
    link,
    mark,
    effects: effectsOf(kind, written, newName !== undefined),
    changes,
    ...names,
  });
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
  const effects: OperationEffect[] = [];
  if (kind === 'Disable') return [{ effect: 'Disable', attribute: '' }];
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

// --- delete, disable, enable ----------------------------------------------------------------------------

function remove(side: 'Source' | 'Target', input: RespondInput): Responded {
  const entry = side === 'Target' ? input.target : input.source;
  if (!entry) return IN_SYNC;
  const link: LinkEffect =
    input.linked === undefined ? { kind: 'None' } : { kind: 'Remove', sourceKey: input.linked.sourceKey };
  return act({
    kind: 'Delete',
    side,
    write: { kind: 'Delete', id: entry.id, name: entry.name },
    link,
    mark: side === 'Target' ? 'Drop' : undefined,
    effects: [{ effect: 'Delete', attribute: '' }],
    takes: undefined,
    frees: entry.name === undefined ? undefined : normalName(entry.name),
    parent: entry.name === undefined ? undefined : normalName(parentOf(entry.name)),
  });
}

function setState(side: 'Source' | 'Target', kind: 'Disable' | 'Enable', input: RespondInput): Responded {
  const entry = side === 'Target' ? input.target : input.source;
  const own = sideOf(input.definition, side);
  if (!entry) return missing(side.toLowerCase());
  const wanted = stateChange(own, kind, entry);
  if (!wanted) return IN_SYNC;
  const mark = side === 'Source' ? undefined : kind === 'Disable' ? 'Put' : 'Drop';
  const keepsLink = input.linked === undefined ? undefined : input.equal;
  const responded = change(side, kind, entry, [wanted], keepsLink ?? new Map(), input, mark);
  if (responded.kind !== 'Act' || input.linked !== undefined) return responded;
  return { kind: 'Act', act: { ...responded.act, link: { kind: 'None' } } };
}

/** Undefined: it is already so. */
function stateChange(own: SideDefinition, kind: 'Disable' | 'Enable', entry: Entry): Change | undefined {
  const { state, schema } = own;
  if (!state) return undefined;
  const values = valuesOf(entry, state.attribute.name, schema);
  const disabled = values.some((value) => sameValue(value, state.disabled, state.attribute.match));
  if (disabled === (kind === 'Disable')) return undefined;
  const to = kind === 'Disable' ? [state.disabled] : state.enabled === undefined ? [] : [state.enabled];
  return {
    attribute: state.attribute,
    sensitive: state.attribute.sensitive,
    author: null,
    from: values,
    to,
    reads: [],
    when: undefined,
  };
}
