/**
 * Parse once at the border: a mapping, its two systems and its policy become what the engine runs, or the list
 * of all problems with their paths. Without schemas (nothing was opened) it checks what can be known offline.
 */
import type { ReconMapping } from '../api/recon-mapping.ts';
import type { SituationPolicy } from '../api/situation-policy.ts';
import { DAY_MS, DEFAULT_BUDGETS } from '../engine/defaults.ts';
import type {
  AccountState,
  Budget,
  Definition,
  Effect,
  Expression,
  ExpressionCompiler,
  GuardSettings,
  SideDefinition,
} from '../engine/definition.ts';
import { attributeOf, type ObjectSchema } from '../engine/entry.ts';
import { shortHash } from '../engine/fingerprint.ts';
import type { Digest } from '../engine/ports.ts';
import { parseDuration } from '../lib/duration.ts';
import { parseInbound, parseOutbound } from './definition-attributes.ts';
import { attributesRead } from './definition-reads.ts';
import { parseCorrelation } from './definition-correlation.ts';
import { parsePolicy, responsesOf } from './definition-policy.ts';
import { assumedAttribute, assumedSchema, keyOf, type SideInput } from './definition-side.ts';
import { Problems, type DefinitionProblem } from './definition-problems.ts';

export interface DefinitionInput {
  readonly mapping: ReconMapping;
  readonly source: SideInput;
  readonly target: SideInput;
  readonly policy: SituationPolicy | undefined;
  readonly expressions: ExpressionCompiler;
  /** The value of a key of a Secret in the mapping's namespace. */
  readonly secret: (name: string, key: string) => string | undefined;
  readonly siblings: readonly string[];
  readonly digest: Digest;
}

export type ParsedDefinition =
  | { readonly kind: 'Parsed'; readonly definition: Definition; readonly asks: Asks }
  | { readonly kind: 'Invalid'; readonly problems: readonly DefinitionProblem[] };

/** Which sides the mapping may have to write. */
export type Asks = Readonly<Record<'Source' | 'Target', boolean>>;

export function parseDefinition(input: DefinitionInput): ParsedDefinition {
  return new Parsing(input).run();
}

class Parsing {
  readonly #input: DefinitionInput;
  readonly #problems: Problems;
  readonly #secrets: Set<string> = new Set();

  constructor(input: DefinitionInput) {
    this.#input = input;
    this.#problems = new Problems(input.expressions, keyOf(input.mapping), (name, key) =>
      this.#secret(name, key),
    );
  }

  run(): ParsedDefinition {
    const { mapping, policy, siblings } = this.#input;
    const context = { problems: this.#problems, source: this.#input.source, target: this.#input.target };
    const outbound = parseOutbound(mapping.spec.attributes ?? [], context);
    const inbound = parseInbound(mapping.spec.inbound ?? [], context);
    const correlate = parseCorrelation(mapping.spec.correlate ?? [], context);
    const rules = parsePolicy(policy?.spec.rules ?? [], { ...context, policy });
    const bare = {
      mapping: keyOf(mapping),
      mode: mapping.spec.mode,
      correlate,
      outbound,
      inbound,
      rules,
      guards: guardsOf(mapping),
      approvedPlan: mapping.spec.approvedPlan,
      siblings,
    };
    const sides = { source: this.#side('Source', bare), target: this.#side('Target', bare) };
    this.#checkStates(sides, bare);
    if (this.#problems.all.length > 0) return { kind: 'Invalid', problems: this.#problems.all };
    const dependsOnTime = usesTime(sides, rules);
    const definition: Definition = { ...bare, ...sides, dependsOnTime, epoch: this.#epoch(sides) };
    return { kind: 'Parsed', definition, asks: asksOf(definition) };
  }

  #secret(name: string, key: string): string | undefined {
    const value = this.#input.secret(name, key);
    if (value !== undefined) this.#secrets.add(`${name}/${key}=${value}`);
    return value;
  }

  #side(side: 'Source' | 'Target', bare: BareDefinition): SideDefinition {
    const { mapping } = this.#input;
    const own = side === 'Source' ? this.#input.source : this.#input.target;
    const { spec } = own.system;
    const variable = side === 'Source' ? 'source' : 'target';
    const field = mapping.spec[variable];
    const schema = own.schema ?? assumedSchema(own);
    const compile = (text: string | undefined, name: string): Expression | undefined =>
      this.#problems.compile(text, ['spec', variable, name], {
        sides: { [variable]: own.schema },
        also: ['now', 'mapping'],
        result: 'Condition',
      });
    const deletedWhen =
      side === 'Source' ? compile(mapping.spec.source.deletedWhen, 'deletedWhen') : undefined;
    const where = compile(field.where, 'where');
    const protect = (spec.protect ?? []).map((text, at) =>
      this.#problems.compile(
        text,
        ['spec', 'protect', at],
        { sides: { entry: own.schema }, also: [], result: 'Condition' },
        own.system,
      ),
    );
    const state = this.#state(own, schema);
    const parsed = { where, deletedWhen, state, protect: protect.filter((one) => one !== undefined) };
    return {
      side,
      system: keyOf(own.system),
      object: own.object.name,
      schema,
      ...parsed,
      request: { attributes: attributesRead(side, schema, { ...bare, side: parsed }), filter: field.filter },
      writesInFlight: spec.limits.writesInFlight,
      writesPerSecond: spec.limits.writesPerSecond,
    };
  }

  #state({ object, system, schema: known }: SideInput, schema: ObjectSchema): AccountState | undefined {
    if (!object.state) return undefined;
    const attribute =
      attributeOf(schema, object.state.attribute) ??
      (known ? undefined : assumedAttribute(object.state.attribute));
    if (!attribute) {
      const path = ['spec', 'objects', system.spec.objects.indexOf(object), 'state', 'attribute'];
      this.#problems.add(path, `unknown attribute '${object.state.attribute}'`, system);
      return undefined;
    }
    return { attribute, disabled: object.state.disabled, enabled: object.state.enabled };
  }

  /** Disable and Enable need a declared account state, and that attribute may not be mapped as well. */
  #checkStates(sides: Sides, { outbound, inbound, rules }: BareDefinition): void {
    for (const [side, mapped] of [
      ['source', inbound],
      ['target', outbound],
    ] as const) {
      const { state, system, object } = sides[side];
      const clash = mapped.findIndex((rule) => state && rule.attribute.name === state.attribute.name);
      const field = side === 'source' ? 'inbound' : 'attributes';
      if (clash !== -1) {
        const message = `'${state?.attribute.name}' is the account state of ${system} ${object}; responses set it, so it may not be mapped`;
        this.#problems.add(['spec', field, clash], message);
      }
      const name = side === 'source' ? 'Source' : 'Target';
      const rule = rules.findIndex(
        ({ response }) => response === `Disable${name}` || response === `Enable${name}`,
      );
      if (rule !== -1 && !state) {
        const message = `${rules[rule]?.response} needs to know how an account is disabled: declare 'state' for object ${object} of ManagedSystem ${system}`;
        this.#problems.add(['spec', 'rules', rule, 'response'], message, this.#input.policy);
      }
    }
  }

  /** Everything that can change the outcome for an unchanged pair. */
  #epoch(sides: Sides): string {
    const { mapping, policy, digest } = this.#input;
    const { source, target, correlate, attributes, inbound } = mapping.spec;
    const side = ({ schema, request, state }: SideDefinition): unknown => [
      [...schema.attributes],
      schema.id,
      request,
      state,
    ];
    const systems = [this.#input.source, this.#input.target].map(({ system, object }) => [
      system.spec.type,
      object,
      system.spec.protect,
    ]);
    const parts = [
      // An expression may name it.
      keyOf(mapping),
      source,
      target,
      correlate,
      attributes,
      inbound,
      policy?.spec,
      systems,
      side(sides.source),
      side(sides.target),
      [...this.#secrets],
    ];
    return shortHash(`epoch|${JSON.stringify(parts)}`, digest);
  }
}

type Sides = Readonly<Record<'source' | 'target', SideDefinition>>;
type BareDefinition = Omit<Definition, 'source' | 'target' | 'epoch' | 'dependsOnTime'>;

function usesTime(sides: Sides, rules: Definition['rules']): boolean {
  const conditions = [
    sides.source.where,
    sides.source.deletedWhen,
    sides.target.where,
    ...rules.map((rule) => rule.when),
  ];
  const waits = rules.some((rule) => rule.after !== undefined && rule.situations.includes('Confirmed'));
  return waits || conditions.some((condition) => condition?.usesNow);
}

function guardsOf({ spec }: ReconMapping): GuardSettings {
  const budgets: Record<Effect, Budget> = { ...DEFAULT_BUDGETS };
  for (const { effect, maxPercent, minCount, maxCount } of spec.guards.budgets ?? []) {
    const usual = DEFAULT_BUDGETS[effect];
    budgets[effect] = {
      maxPercent: maxPercent ?? usual.maxPercent,
      minCount: minCount ?? usual.minCount,
      maxCount,
    };
  }
  const { window, maxShrinkPercent, onExceeded } = spec.guards;
  return { budgets, window: parseDuration(window) ?? DAY_MS, maxShrinkPercent, onExceeded };
}

/** Which sides the responses that the policy can give would write. */
function asksOf(definition: Definition): Asks {
  const responses = responsesOf(definition.rules);
  const updates = (rules: Definition['outbound']): boolean => rules.some((rule) => rule.onUpdate);
  const asks = (side: 'Source' | 'Target'): boolean =>
    responses.some((response) => {
      if (response === `Update${side}`)
        return updates(side === 'Source' ? definition.inbound : definition.outbound);
      return response.endsWith(side);
    });
  return { Source: asks('Source'), Target: asks('Target') };
}
