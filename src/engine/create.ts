/** CreateTarget and CreateSource: a new entry from the other side's, and the link to it. */
import {
  act,
  changeOf,
  failed,
  missing,
  type Act,
  type Change,
  type Failure,
  type RespondInput,
  type Responded,
} from './act.ts';
import { normalName, parentOf } from './dn.ts';
import { sideOf, type SideDefinition } from './definition.ts';
import type { Entry, Value } from './entry.ts';
import { desiredOf } from './map.ts';

type Side = 'Source' | 'Target';

interface Draft {
  /** The DN, where the side has names. */
  readonly name: string | undefined;
  readonly attributes: ReadonlyMap<string, readonly Value[]>;
  readonly changes: readonly Change[];
  readonly agreed: ReadonlyMap<string, string>;
}

export function create(side: Side, input: RespondInput): Responded {
  const from = side === 'Target' ? input.source : input.target;
  if (!from) return missing(side === 'Target' ? 'source' : 'target');
  const draft = draftOf(side, from, input);
  if ('kind' in draft) return draft;
  const { name, attributes, changes } = draft;
  const refusal = refuse(sideOf(input.definition, side), draft, input);
  if (refusal) return { ...refusal, changes };
  const names = name === undefined ? {} : placeOf(normalName(name));
  return act({
    kind: 'Create',
    side,
    write: { kind: 'Create', entry: { name, attributes } },
    link: linkOf(side, from, draft, input),
    effects: CREATES,
    changes,
    ...names,
  });
}

const CREATES: Act['effects'] = [{ effect: 'Create', attribute: '' }];

function placeOf(takes: string): Pick<Act, 'takes' | 'parent'> {
  return { takes, parent: parentOf(takes) };
}

function draftOf(side: Side, from: Entry, { definition, scope, valueHashes }: RespondInput): Draft | Failure {
  const rules = side === 'Target' ? definition.outbound : definition.inbound;
  const { schema } = sideOf(definition, side === 'Target' ? 'Source' : 'Target');
  const own = sideOf(definition, side).schema;
  const attributes = new Map<string, readonly Value[]>();
  const changes: Change[] = [];
  const agreed = new Map<string, string>();
  let name: string | undefined;
  for (const rule of rules) {
    if (!rule.onCreate) continue;
    const desired = desiredOf(rule, scope, from, schema);
    if (desired.kind === 'Failed') return { kind: 'Error', outcome: 'Failed', error: desired.error };
    if (desired.kind === 'DoesNotApply') continue;
    agreed.set(rule.attribute.name, valueHashes.of(desired.values, rule));
    if (desired.values.length === 0) continue;
    changes.push(changeOf(rule, [], desired.values));
    if (rule.attribute.name === own.name) name = String(desired.values[0]);
    else attributes.set(rule.attribute.name, desired.values);
  }
  return { name, attributes, changes, agreed };
}

/** What a new source has is compared with what the outbound rules make of it in the next run. */
function linkOf(
  side: Side,
  from: Entry,
  { agreed }: Draft,
  { settles, prints }: RespondInput,
): NonNullable<Parameters<typeof act>[0]['link']> {
  if (side === 'Source')
    return { kind: 'Put', sourceId: undefined, targetId: from.id, agreed: new Map(), settles: undefined };
  const settled = settles ? { source: prints.source, target: undefined } : undefined;
  return { kind: 'Put', sourceId: from.id, targetId: undefined, agreed, settles: settled };
}

function refuse(
  { schema, side }: SideDefinition,
  { name, attributes }: Draft,
  input: RespondInput,
): Failure | undefined {
  if (schema.name !== undefined && name === undefined) {
    const message = `the mapping gives no ${schema.name}; add an attribute rule for it`;
    return failed('MissingName', message, schema.name);
  }
  if (schema.idChosenBy === 'System') return undefined;
  const [id] = attributes.get(schema.id) ?? [];
  if (typeof id !== 'string' || id === '') {
    return failed('MissingId', `attribute ${schema.id} is the id of a new entry and has no value`, schema.id);
  }
  const holder = input.idHolder(side, id);
  return holder === undefined
    ? undefined
    : { ...failed('AlreadyExists', holder, schema.id), outcome: 'Refused' };
}
