/**
 * Binds an expression to what it may name: every access to the world becomes a variable of its own. What is read
 * is found on the way, and so is what cannot be named.
 */
import type { CelInput } from '@bufbuild/cel';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { CompileOptions, Scope } from '../engine/definition.ts';
import { attributeOf, type AttributeSchema } from '../engine/entry.ts';
import { nearestName } from '../lib/nearest-name.ts';
import { attributeAccess, identifier, text, type AttributeAccess } from './access.ts';
import { callOf, childrenOf, emptyListOf, identOf, nullOf, replaceChildren, type Node } from './syntax.ts';
import type { StaticType } from './types.ts';
import { loadAttribute } from './values.ts';

/** One variable of the bound expression. */
export interface Slot {
  /** No name that an expression can write, so that nothing else leads to it. */
  readonly variable: string;
  readonly type: StaticType;
  readonly load: (scope: Scope) => CelInput;
}

type SideName = 'source' | 'target' | 'entry';
const SIDES: readonly SideName[] = ['source', 'target', 'entry'];
/** As many names as a message can show. */
const SHOWN_NAMES = 20;

const TYPES: Readonly<Record<AttributeSchema['type'], StaticType>> = {
  String: 'string',
  Integer: 'int',
  Boolean: 'bool',
  Time: 'timestamp',
  Binary: 'bytes',
};

export class Binder {
  readonly #options: CompileOptions;
  readonly #slots: Map<string, Slot> = new Map();
  readonly reads: Readonly<Record<SideName, Set<string>>> = {
    source: new Set(),
    target: new Set(),
    entry: new Set(),
  };
  readonly uses: Set<string> = new Set();
  problem: string | undefined;

  constructor(options: CompileOptions) {
    this.#options = options;
  }

  get slots(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  /** `local`: names that a macro introduces. The tree is changed in place where a child is replaced. */
  bind(node: Node, asList: boolean, local: ReadonlySet<string>): Node {
    const replaced = this.#replace(node, asList, local);
    if (replaced) return replaced;
    const fresh = new Map<Node, Node>();
    for (const child of childrenOf(node)) {
      const names = child.locals.length === 0 ? local : new Set([...local, ...child.locals]);
      fresh.set(child.node, this.bind(child.node, child.asList, names));
    }
    replaceChildren(node, (child) => fresh.get(child) ?? child);
    return node;
  }

  #replace(node: Node, asList: boolean, local: ReadonlySet<string>): Node | undefined {
    const call = this.#call(node, local);
    if (call) return call;
    const access = attributeAccess(node);
    if (access && !local.has(access.variable)) return this.#access(node, access, asList);
    const name = identifier(node);
    if (name === undefined || local.has(name) || name.startsWith('@')) return undefined;
    return this.#name(node, name);
  }

  /** Calls that are no functions of values: `secret(…)`, and `dn.escape(…)`, where dn is no value. */
  #call(node: Node, local: ReadonlySet<string>): Node | undefined {
    if (node.exprKind.case !== 'callExpr') return undefined;
    const { function: name, target, args } = node.exprKind.value;
    if (name === 'secret' && target === undefined) return this.#secretCall(node, args);
    if (identifier(target) !== 'dn' || local.has('dn')) return undefined;
    return this.bind(callOf(`dn.${name}`, args, node), false, local);
  }

  #access(node: Node, access: AttributeAccess, asList: boolean): Node {
    const { variable, attribute, asks } = access;
    if (variable === 'link' && this.#options.also.includes('link')) return this.#linkField(node, access);
    const side = SIDES.find((one) => one === variable && Object.hasOwn(this.#options.sides, one));
    if (side === undefined) {
      this.#complainName(variable);
      return node;
    }
    // Whether there is any value can be asked of a list alone.
    const slot = this.#attribute(side, attribute, asList || asks);
    if (!slot) return node;
    const value = identOf(slot.variable, node);
    if (!asks) return value;
    return callOf('_!=_', [value, slot.type === 'list' ? emptyListOf(node) : nullOf(node)], node);
  }

  #attribute(side: SideName, written: string, asList: boolean): Slot | undefined {
    const schema = this.#options.sides[side];
    const attribute = schema ? attributeOf(schema, written) : undefined;
    if (schema && !attribute) {
      this.#complain(
        `unknown attribute '${side}.${written}'${instead(written, [...schema.attributes.keys()])}`,
      );
      return undefined;
    }
    if (attribute?.writeOnly) {
      this.#complain(`attribute '${side}.${attribute.name}' is write-only and cannot be read`);
      return undefined;
    }
    const name = attribute?.name ?? written;
    this.reads[side].add(name);
    const list = isList(attribute, asList);
    const read = { name, schema, attribute, asList: list };
    const load: Slot['load'] = (scope) => loadAttribute(scope[side], read);
    return this.#slot([side, name, list], list ? 'list' : attribute ? TYPES[attribute.type] : 'any', load);
  }

  #linkField(node: Node, { attribute, asks }: AttributeAccess): Node {
    if (attribute !== 'linkedAt') this.#complain(`unknown field 'link.${attribute}'; there is link.linkedAt`);
    const { variable } = this.#slot(['link', 'linkedAt'], 'timestamp', ({ linkedAt }) =>
      linkedAt === undefined ? null : timestampFromMs(linkedAt),
    );
    const value = identOf(variable, node);
    return asks ? callOf('_!=_', [value, nullOf(node)], node) : value;
  }

  #name(node: Node, name: string): Node {
    const { also, mapping, sides } = this.#options;
    const known = also.find((one) => one === name);
    if (known !== undefined) this.uses.add(known);
    switch (known) {
      case 'now':
        return this.#plain(node, name, 'timestamp', (scope) => timestampFromMs(scope.now));
      case 'mapping':
        return this.#plain(node, name, 'string', () => mapping);
      case 'changed':
        return this.#plain(node, name, 'list', (scope) => scope.changed ?? []);
      case 'link':
        return this.#plain(node, name, 'any', ({ linkedAt }) => (linkedAt === undefined ? null : true));
      case 'secret':
      case undefined:
    }
    if (Object.hasOwn(sides, name))
      this.#complain(`'${name}' stands alone; name an attribute, as in ${name}.mail`);
    else this.#complainName(name);
    return node;
  }

  #plain(node: Node, name: string, type: StaticType, load: Slot['load']): Node {
    return identOf(this.#slot([name], type, load).variable, node);
  }

  #secretCall(node: Node, args: readonly Node[]): Node {
    const [name, key] = args.map(text);
    if (!this.#options.also.includes('secret'))
      this.#complain('secret() can be used in outbound and inbound attributes only');
    else if (name === undefined || key === undefined || args.length !== 2)
      this.#complain("secret() takes two texts: secret('name', 'key')");
    else return this.#secret(node, name, key);
    return node;
  }

  #secret(node: Node, name: string, key: string): Node {
    const value = this.#options.secret(name, key);
    if (value === undefined)
      this.#complain(`there is no Secret '${name}' with a key '${key}' in this namespace`);
    this.uses.add('secret');
    return identOf(this.#slot(['secret', name, key], 'string', () => value ?? null).variable, node);
  }

  #slot(what: readonly unknown[], type: StaticType, load: Slot['load']): Slot {
    const key = JSON.stringify(what);
    const slot = this.#slots.get(key) ?? { variable: `@${this.#slots.size}`, type, load };
    this.#slots.set(key, slot);
    return slot;
  }

  #complainName(name: string): void {
    const { sides, also } = this.#options;
    const known = [...Object.keys(sides), ...also.map((one) => (one === 'secret' ? 'secret()' : one))];
    this.#complain(`unknown name '${name}'; there is ${known.join(', ')}`);
  }

  #complain(problem: string): void {
    this.problem ??= problem;
  }
}

function isList(attribute: AttributeSchema | undefined, asList: boolean): boolean {
  return attribute === undefined || attribute.values === 'Either' ? asList : attribute.values === 'Multi';
}

function instead(written: string, known: readonly string[]): string {
  const near = nearestName(written, known);
  if (near !== undefined) return `; did you mean '${near}'?`;
  const more = known.length > SHOWN_NAMES ? ', …' : '';
  return `; there is ${known.slice(0, SHOWN_NAMES).join(', ')}${more}`;
}
