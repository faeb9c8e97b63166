import { printableValue, type PathKey, type Problem } from './problem.ts';
import { isRecord } from './schema.ts';
import { unknownField } from './shape.ts';

/** RFC 1123: lower-case letters, digits and hyphens in labels that are joined by dots. */
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomainLength = 253;
const labelLength = 63;

/** What ObjectMeta knows: what people write, and what `kubectl get -o yaml` prints. */
const metadataFields = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
];

/** The namespace of what names none, as for `kubectl` without a context. */
export const defaultNamespace = 'default';

export function checkMetadata(metadata: unknown): Problem[] {
  if (!isRecord(metadata)) {
    return [
      { path: ['metadata'], rule: 'required', message: 'is missing: write metadata.name', value: undefined },
    ];
  }
  return [
    ...Object.keys(metadata)
      .filter((key) => !metadataFields.includes(key))
      .map((key) => problem(['metadata', key], 'unknownField', unknownField(key, metadataFields), undefined)),
    ...checkName(metadata['name']),
    ...checkNamespace(metadata['namespace']),
    ...checkTexts('labels', metadata['labels']),
    ...checkTexts('annotations', metadata['annotations']),
  ];
}

function checkName(name: unknown): Problem[] {
  const path = ['metadata', 'name'];
  if (name === undefined || name === null || name === '') {
    return [problem(path, 'required', 'is missing: every object needs a name', undefined)];
  }
  if (typeof name === 'string' && name.length <= subdomainLength && subdomain.test(name)) return [];
  const message = `must be lower-case letters, digits, hyphens and dots, begin and end with a letter or digit, ${subdomainLength} characters at most`;
  return [problem(path, 'name', message, name)];
}

function checkNamespace(namespace: unknown): Problem[] {
  if (namespace === undefined || namespace === null || namespace === '') return [];
  if (typeof namespace === 'string' && namespace.length <= labelLength && label.test(namespace)) return [];
  const message = `must be lower-case letters, digits and hyphens, begin and end with a letter or digit, ${labelLength} characters at most`;
  return [problem(['metadata', 'namespace'], 'name', message, namespace)];
}

function checkTexts(field: string, texts: unknown): Problem[] {
  if (texts === undefined || texts === null) return [];
  if (!isRecord(texts)) return [problem(['metadata', field], 'type', 'must be a map of strings', undefined)];
  return Object.entries(texts)
    .filter(([, text]) => typeof text !== 'string')
    .map(([key]) =>
      problem(['metadata', field, key], 'type', 'must be a string; put it in quotes', undefined),
    );
}

function problem(path: readonly PathKey[], rule: string, message: string, value: unknown): Problem {
  return { path, rule, message, value: printableValue(path, value) };
}
