/** The objects of a cluster as the controllers use them: validated once each, and linked with each other. */
import type { Kind } from '../api/names.ts';
import { formatPath, type Problem } from '../api/problem.ts';
import { validateObject, type Contract } from '../api/validation.ts';
import { linkMappings, type LinkProblem, type LinkedMapping, type Located } from './linked-mapping.ts';
import type { Cluster, ClusterObject } from './ports.ts';

export type Seen<K extends Kind> =
  | { readonly kind: 'Gone' }
  | { readonly kind: 'Invalid'; readonly seen: ClusterObject; readonly problems: readonly Problem[] }
  | { readonly kind: 'Valid'; readonly seen: ClusterObject; readonly located: Located<K> };

export class Objects {
  readonly #cluster: Cluster;
  readonly #contract: Contract;
  /** By the object itself, which nobody changes: a new version is a new object. */
  readonly #validated: WeakMap<object, Seen<Kind>> = new WeakMap();
  /** By namespace; dropped with the next change of anything. */
  #linked: Map<string, ReturnType<typeof linkMappings>> = new Map();

  constructor(cluster: Cluster, contract: Contract) {
    this.#cluster = cluster;
    this.#contract = contract;
  }

  /** Something was added, changed or removed. */
  changed(): void {
    this.#linked = new Map();
  }

  get<K extends Kind>(kind: K, key: string): Seen<K> {
    const seen = this.#cluster.get(kind, key);
    return seen ? this.validate(kind, seen) : { kind: 'Gone' };
  }

  validate<K extends Kind>(kind: K, seen: ClusterObject): Seen<K> {
    const known = this.#validated.get(seen.object);
    // What stands there was put in under the same kind: objects of two kinds are never the same object.
    if (known) return known as Seen<K>;
    const { status: _status, ...rest } = seen.object;
    const validated = validateObject(this.#contract, kind, rest);
    const result: Seen<K> = validated.ok
      ? { kind: 'Valid', seen, located: { object: validated.object, folder: seen.folder } }
      : { kind: 'Invalid', seen, problems: validated.problems };
    this.#validated.set(seen.object, result as Seen<Kind>);
    return result;
  }

  /** Everything valid of a kind. */
  all<K extends Kind>(kind: K): Located<K>[] {
    return this.#cluster
      .list(kind)
      .map((seen) => this.validate(kind, seen))
      .filter((one) => one.kind === 'Valid')
      .map((one) => one.located);
  }

  /** The mapping with its systems and its policy, or what keeps it from them. */
  link(key: string): {
    readonly linked: LinkedMapping | undefined;
    readonly problems: readonly LinkProblem[];
  } {
    const namespace = key.split('/')[0] ?? '';
    const { mappings, problems } = this.#linkedOf(namespace);
    return {
      linked: mappings.find((one) => one.key === key),
      problems: problems.filter(({ mapping }) => `${namespace}/${mapping.object.metadata.name}` === key),
    };
  }

  /** All that can be linked in the namespace of this mapping. */
  linkedBeside(key: string): readonly LinkedMapping[] {
    return this.#linkedOf(key.split('/')[0] ?? '').mappings;
  }

  #linkedOf(namespace: string): ReturnType<typeof linkMappings> {
    const known = this.#linked.get(namespace);
    if (known) return known;
    const own = <K extends Kind>(kind: K): Located<K>[] =>
      this.all(kind).filter(({ object }) => object.metadata.namespace === namespace);
    const linked = linkMappings({
      mappings: own('ReconMapping'),
      systems: own('ManagedSystem'),
      policies: own('SituationPolicy'),
    });
    this.#linked.set(namespace, linked);
    return linked;
  }
}

/** For people: every problem with its path, without values. */
export function describeProblems(
  problems: readonly { path: readonly (string | number)[]; message: string }[],
): string {
  return problems.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('; ');
}
