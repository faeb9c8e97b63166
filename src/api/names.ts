/**
 * The words of the Kubernetes contract: group, version, kinds and annotation keys. Everything that reads or
 * writes an object of ours takes them from here, so that a manifest, the command line and the operator agree.
 */
export const group = 'rollcall.dev';
export const version = 'v1alpha1';
export const apiVersion: 'rollcall.dev/v1alpha1' = `${group}/${version}`;
export const category = 'rollcall';

export type Kind = 'ManagedSystem' | 'ReconMapping' | 'SituationPolicy';

export interface KindNames {
  readonly kind: Kind;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
}

export const kinds: Readonly<Record<Kind, KindNames>> = {
  ManagedSystem: {
    kind: 'ManagedSystem',
    plural: 'managedsystems',
    singular: 'managedsystem',
    shortName: 'msys',
  },
  ReconMapping: {
    kind: 'ReconMapping',
    plural: 'reconmappings',
    singular: 'reconmapping',
    shortName: 'rmap',
  },
  SituationPolicy: {
    kind: 'SituationPolicy',
    plural: 'situationpolicies',
    singular: 'situationpolicy',
    shortName: 'sitpol',
  },
};

export const kindNames: readonly Kind[] = ['ManagedSystem', 'ReconMapping', 'SituationPolicy'];

export function isKind(word: unknown): word is Kind {
  return typeof word === 'string' && Object.hasOwn(kinds, word);
}

/** Any new value asks for one run; a run that answered it echoes it in `status.lastHandledRequest`. */
export const runRequestedAtAnnotation = 'rollcall.dev/run-requested-at';
/** Releases the held plan with this digest, like `spec.approvedPlan`. */
export const approvePlanAnnotation = 'rollcall.dev/approve-plan';

/** What the three kinds, Secrets and ConfigMaps have in common, as far as we read it. */
export interface ObjectMetadata {
  name: string;
  /** Always filled in once an object has been read; `default` when its manifest names none. */
  namespace: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
}
