/**
 * What the engine runs: one mapping with its two sides and its policy, parsed, checked and frozen. The engine
 * never sees a Kubernetes object; controller/definition.ts makes this from one, or lists all problems.
 */
import type { AttributeSchema, Entry, ObjectSchema, Value } from './entry.ts';
import type { ReadRequest } from './ports.ts';

export const SITUATIONS = [
  'Confirmed',
  'Found',
  'Moved',
  'FoundAlreadyLinked',
  'Absent',
  'Ambiguous',
  'Missing',
  'Unqualified',
  'SourceIgnored',
  'TargetIgnored',
  'Unassigned',
  'SourceMissing',
  'SourceDeleted',
  'LinkOnly',
  'AllGone',
] as const;
/** SITUATIONS.md, in the order of its tables. */
export type Situation = (typeof SITUATIONS)[number];

export type Response =
  | 'Ignore'
  | 'Report'
  | 'Fail'
  | 'Link'
  | 'Unlink'
  | 'CreateTarget'
  | 'UpdateTarget'
  | 'DeleteTarget'
  | 'DisableTarget'
  | 'EnableTarget'
  | 'CreateSource'
  | 'UpdateSource'
  | 'DeleteSource'
  | 'DisableSource'
  | 'EnableSource';

/** Who made a mapped attribute differ since both sides last agreed. */
export type Author = 'SourceChanged' | 'TargetDrifted' | 'Conflict' | 'NeverAgreed';

export type Effect = 'Create' | 'Update' | 'Clear' | 'Rename' | 'Disable' | 'Delete' | 'RemoveMember';

/** What an expression can see. Absent members are null to it. */
export interface Scope {
  readonly source?: Entry | undefined;
  readonly target?: Entry | undefined;
  readonly entry?: Entry | undefined;
  /** When the link was made, in milliseconds since 1970; undefined: there is no link. */
  readonly linkedAt?: number | undefined;
  readonly changed?: readonly string[] | undefined;
  /** Start of the run, milliseconds since 1970. */
  readonly now: number;
}

export type Evaluated =
  | { readonly kind: 'Values'; readonly values: readonly Value[] }
  | { readonly kind: 'Failed'; readonly message: string };

/** A parsed and checked expression. Evaluating never throws and always ends within its limits. */
export interface Expression {
  readonly text: string;
  /** Attributes it reads, found from its syntax tree. */
  readonly reads: Readonly<Record<'source' | 'target' | 'entry', ReadonlySet<string>>>;
  readonly usesNow: boolean;
  readonly usesSecret: boolean;
  /** Null gives no value. A condition gives 'true' or 'false'. */
  evaluate(scope: Scope): Evaluated;
}

export interface CompileOptions {
  /** The sides that can be named; a schema of undefined accepts any attribute, because it is not known yet. */
  readonly sides: Readonly<Partial<Record<'source' | 'target' | 'entry', ObjectSchema | undefined>>>;
  /** What else can be named. */
  readonly also: readonly ('link' | 'changed' | 'now' | 'mapping' | 'secret')[];
  readonly mapping: string;
  /** The value of a key of a Secret, or undefined where there is none. */
  readonly secret: (name: string, key: string) => string | undefined;
  readonly result: 'Condition' | 'Values';
}

export type Compiled =
  | { readonly kind: 'Compiled'; readonly expression: Expression }
  | { readonly kind: 'Invalid'; readonly problem: string };

/** Parses and checks expressions; keeps nothing of what they are evaluated on. */
export interface ExpressionCompiler {
  compile(text: string, options: CompileOptions): Compiled;
}

export type Origin =
  | { readonly kind: 'From'; readonly attribute: string }
  | { readonly kind: 'Expression'; readonly expression: Expression }
  | { readonly kind: 'Constant'; readonly value: string }
  | {
      readonly kind: 'Name';
      readonly rdnAttribute: string;
      readonly rdn: Expression;
      readonly parent: Expression;
    };

/** One mapped attribute: how the value of `attribute` on the written side comes from the other side. */
export interface AttributeRule {
  readonly attribute: AttributeSchema;
  readonly origin: Origin;
  /** Attributes of the other side that the value comes from. */
  readonly reads: ReadonlySet<string>;
  readonly when: Expression | undefined;
  readonly strength: 'Strong' | 'Weak';
  readonly onCreate: boolean;
  readonly onUpdate: boolean;
  readonly merge: 'Replace' | 'Add';
  /** Its values reach no output. */
  readonly sensitive: boolean;
}

export interface CorrelationRule {
  readonly source:
    | { readonly kind: 'Attribute'; readonly name: string }
    | { readonly kind: 'Expression'; readonly expression: Expression };
  readonly target: AttributeSchema;
}

export interface PolicyRule {
  readonly name: string;
  readonly situations: readonly Situation[];
  readonly change: Author | undefined;
  readonly when: Expression | undefined;
  /** Milliseconds that the situation must have lasted. */
  readonly after: number | undefined;
  readonly response: Response;
  readonly event: 'Normal' | 'Warning' | undefined;
  readonly evenIfNeverLinked: boolean;
}

export interface AccountState {
  readonly attribute: AttributeSchema;
  readonly disabled: string;
  /** Undefined: enabling clears the attribute. */
  readonly enabled: string | undefined;
}

export interface SideDefinition {
  readonly side: 'Source' | 'Target';
  /** `namespace/name` of the ManagedSystem. */
  readonly system: string;
  readonly object: string;
  readonly schema: ObjectSchema;
  readonly where: Expression | undefined;
  readonly deletedWhen: Expression | undefined;
  readonly state: AccountState | undefined;
  readonly protect: readonly Expression[];
  readonly request: ReadRequest;
  readonly writesInFlight: number;
  readonly writesPerSecond: number | undefined;
}

export interface Budget {
  /** Percent of the population. */
  readonly maxPercent: number;
  readonly minCount: number;
  readonly maxCount: number | undefined;
}

export interface GuardSettings {
  readonly budgets: Readonly<Record<Effect, Budget>>;
  /** Rolling window in milliseconds. */
  readonly window: number;
  readonly maxShrinkPercent: number;
  readonly onExceeded: 'HoldKind' | 'HoldAll' | 'Fail';
}

export interface Definition {
  /** `namespace/name` of the ReconMapping. */
  readonly mapping: string;
  readonly mode: 'Observe' | 'Enforce';
  readonly source: SideDefinition;
  readonly target: SideDefinition;
  readonly correlate: readonly CorrelationRule[];
  readonly outbound: readonly AttributeRule[];
  readonly inbound: readonly AttributeRule[];
  readonly rules: readonly PolicyRule[];
  readonly guards: GuardSettings;
  readonly approvedPlan: string | undefined;
  /** Other unsuspended mappings with the same target object. */
  readonly siblings: readonly string[];
  /** A hash of all that can change the outcome for an unchanged pair. */
  readonly epoch: string;
  /** Time decides here too (`now`, or `after` on Confirmed): every entry is evaluated in every run. */
  readonly dependsOnTime: boolean;
}

export function sideOf(definition: Definition, side: 'Source' | 'Target'): SideDefinition {
  return side === 'Source' ? definition.source : definition.target;
}
