/** What somebody may do about a group of entries: the field to change next, or the command that settles one of them. */
import { keyOf } from '../controller/definition-side.ts';
import type { LinkedMapping } from '../controller/linked-mapping.ts';
import { SITUATIONS, type Situation } from '../engine/definition.ts';
import type { EntryOutcome, EntryRecord, HeldBy } from '../engine/entry-record.ts';
import { nextCommand } from './next-command.ts';
import { placeOf } from './places.ts';
import type { Project } from './project.ts';

export interface AdviceContext {
  readonly project: Project;
  readonly one: LinkedMapping;
}

/** Undefined: it is as it should be, or nobody can do anything about it. */
export function adviceOf(record: EntryRecord, context: AdviceContext): string | undefined {
  return BY_OUTCOME[record.outcome]?.(record, context);
}

type Advice = (record: EntryRecord, context: AdviceContext) => string;

/** The rule that would do something, and where it belongs. */
function rule(situation: string, response: string, does: string): Advice {
  return ({ rule: name }, { project, one: { policy, mapping } }) => {
    const text = `{ situations: [${situation}], response: ${response} }`;
    if (!policy) {
      const where = placeOf(project, mapping.object, ['spec', 'policyRef']);
      return `a SituationPolicy with the rule ${text}, named by spec.policyRef of ReconMapping ${keyOf(mapping.object)}${where}, ${does}`;
    }
    const { rules } = policy.object.spec;
    const at = rules.findIndex((one) => one.name === name);
    const where = placeOf(project, policy.object, at === -1 ? ['spec', 'rules'] : ['spec', 'rules', at]);
    const key = keyOf(policy.object);
    return at === -1
      ? `a rule ${text} in SituationPolicy ${key}${where} ${does}`
      : `rule '${name ?? ''}' of SituationPolicy ${key}${where} decides; response: ${response} there ${does}`;
  };
}

function command(name: 'link' | 'unlink', ids: (record: EntryRecord) => readonly string[]): Advice {
  return (record, { project, one }) =>
    nextCommand(name, project.directory, '--mapping', one.key, ...ids(record));
}

function correlation({ project, one: { mapping } }: AdviceContext): string {
  const where = placeOf(project, mapping.object, ['spec', 'correlate']);
  return `spec.correlate of ReconMapping ${keyOf(mapping.object)}${where}`;
}

function pairOf({ source, target }: EntryRecord): string[] {
  return ['--source', source ?? 'ID', '--target', target ?? 'ID'];
}

const REPORTED: Readonly<Partial<Record<Situation, Advice>>> = {
  Confirmed: rule('Confirmed', 'UpdateTarget', 'makes the account as the source says'),
  Found: rule('Found', 'UpdateTarget', 'links the pair and updates the account'),
  Moved: rule('Moved', 'UpdateTarget', 'takes the account along'),
  FoundAlreadyLinked: (record, context) =>
    `two source entries share a key: correct the data, or ${correlation(context)}; or let go of the wrong one with: ${command('unlink', ({ target }) => ['--target', target ?? 'ID'])(record, context)}`,
  Absent: rule('Absent', 'CreateTarget', 'makes an account'),
  Ambiguous: (record, context) => {
    const who = nextCommand(
      'explain',
      context.project.directory,
      '--mapping',
      context.one.key,
      '--source',
      record.source ?? 'ID',
    );
    return `correct the data, or make ${correlation(context)} tell them apart; this names who it may be: ${who}; this settles one pair: ${command('link', pairOf)(record, context)}`;
  },
  Missing: rule('Missing', 'CreateTarget', 'makes the account again, Unlink lets go'),
  Unqualified: rule('Unqualified', 'DisableTarget', 'disables the account'),
  Unassigned: (record, context) => {
    const { project, one } = context;
    const name = one.target.system.object.spec.type === 'LDAP' ? 'filter' : 'where';
    const where = placeOf(project, one.mapping.object, ['spec', 'target', name]);
    const decides = rule('Unassigned', 'DisableTarget', 'disables them')(record, context);
    return `nothing has to be done; spec.target.${name} of ReconMapping ${one.key}${where} leaves accounts out; ${decides}; one that is somebody's: ${command('link', pairOf)(record, context)}`;
  },
  SourceMissing: rule('SourceMissing', 'DisableTarget', 'disables the account'),
  SourceDeleted: rule('SourceDeleted', 'DisableTarget', 'disables the account'),
};

const PLANNED: Readonly<Partial<Record<Situation, Advice>>> = {
  Found: (record, context) =>
    `a pair that is wrong comes of ${correlation(context)}, a value that is wrong of spec.attributes; ${rule('Found', 'Report', 'only names them')(record, context)}`,
  Absent: rule('Absent', 'Report', 'only names them'),
};

const HELD: Readonly<Record<HeldBy, (context: AdviceContext) => string>> = {
  Budget: ({ project, one }) =>
    `right all the same? the command below releases it; spec.guards.budgets of ReconMapping ${one.key}${placeOf(project, one.mapping.object, ['spec', 'guards'])} sets the limit`,
  Evidence: () =>
    'it waits for a read that proves that nothing was missed; what this one lacks is said above',
  Protect: ({ project, one: { target } }) =>
    `spec.protect of ManagedSystem ${keyOf(target.system.object)}${placeOf(project, target.system.object, ['spec', 'protect'])} names what is never written`,
  Dependency: () => 'it waits for a run of the mapping that is named',
};

function field(name: string): (context: AdviceContext) => string {
  return ({ project, one }) =>
    `spec.${name} of ReconMapping ${one.key}${placeOf(project, one.mapping.object, ['spec', name])}`;
}

/** By the code of the error. */
const FAILED: ReadonlyMap<string, (context: AdviceContext) => string> = new Map([
  ['DuplicateKey', () => 'keep one entry of each id; nobody else is concerned'],
  [
    'ExpressionFailed',
    () => 'mend the data, or the expression; coalesce(value, other) stands in for what is missing',
  ],
  ['SchemaViolation', (context) => `mend the data, or ${field('attributes')(context)}`],
  ['UnknownAttribute', field('attributes')],
  [
    'AlreadyExists',
    (context) =>
      `an account of that name is there: make ${field('correlate')(context)} find it, or ${field('attributes')(context)} name new ones otherwise`,
  ],
]);

const situationOf = ({ situation }: EntryRecord): Situation | undefined =>
  SITUATIONS.find((name) => name === situation);

function bySituation(table: Readonly<Partial<Record<Situation, Advice>>>): MaybeAdvice {
  return (record, context) => {
    const situation = situationOf(record);
    return situation && table[situation]?.(record, context);
  };
}

const failed: MaybeAdvice = ({ error }, context) => FAILED.get(error?.code ?? '')?.(context);

type MaybeAdvice = (record: EntryRecord, context: AdviceContext) => string | undefined;

const BY_OUTCOME: Readonly<Partial<Record<EntryOutcome, MaybeAdvice>>> = {
  Reported: bySituation(REPORTED),
  Planned: bySituation(PLANNED),
  Held: ({ held }, context) => (held ? HELD[held.by](context) : undefined),
  Failed: failed,
  Refused: failed,
};
