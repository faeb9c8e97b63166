/** What `validate` says offline and what an API server says are the same verdict, on every manifest of the corpus. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isKind, kinds } from '../../src/api/names.ts';
import { isRecord, loadSchemas } from '../../src/api/schema.ts';
import { loadContract, validateObject } from '../../src/api/validation.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';

const corpus = new URL('../api/corpus/', import.meta.url);
const contract = loadContract();
let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.applyDefinitions();
});

afterAll(() => plane.stop());

function manifests(folder: 'valid' | 'invalid'): { file: string; object: Record<string, unknown> }[] {
  return readdirSync(new URL(`${folder}/`, corpus)).map((file) => {
    const object: unknown = parse(readFileSync(new URL(`${folder}/${file}`, corpus), 'utf8'));
    if (!isRecord(object)) throw new Error(`${file} holds no object`);
    return { file: `${folder}/${file}`, object };
  });
}

/** Undefined: it would be stored as it is. */
async function refusalOf(object: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  const { kind, metadata } = object;
  const named = isRecord(metadata) ? metadata['namespace'] : undefined;
  const namespace = typeof named === 'string' ? named : 'default';
  const plural = isKind(kind) ? kinds[kind].plural : 'reconmappings';
  const path = `/apis/rollcall.dev/v1alpha1/namespaces/${namespace}/${plural}?dryRun=All&fieldValidation=Strict`;
  const { status, body } = await plane.request('POST', path, object);
  if (status === 201) return undefined;
  return isRecord(body) ? String(body['message']) : String(status);
}

describe('the corpus', () => {
  it('has manifests enough', () => {
    expect(manifests('valid').length + manifests('invalid').length).toBeGreaterThanOrEqual(60);
  });

  it.each([...manifests('valid'), ...manifests('invalid')])('$file', async ({ file, object }) => {
    const kind = isKind(object['kind']) ? object['kind'] : 'ReconMapping';
    const offline = validateObject(contract, kind, object);
    const refusal = await refusalOf(object);
    const isRefused = refusal === undefined ? 'accepted' : `refused: ${refusal}`;
    if (offline.ok) expect(`${file} ${isRefused}`).toBe(`${file} accepted`);
    else expect(`${file} ${isRefused}`).toMatch(/ refused: /);
    expect(offline.ok).toBe(file.startsWith('valid/'));
    if (refusal !== undefined) refusals.push(refusal);
  });

  it('has a refusal by every rule of the definitions', async () => {
    refusals.push(await refusalOfOtherType());
    const said = refusals.join('\n');
    expect(messagesOfRules().filter((message) => !said.includes(message))).toEqual([]);
  });
});

/** What the API server said of the manifests that it refused. */
const refusals: string[] = [];

/** A rule about a change, which no single manifest can break. */
async function refusalOfOtherType(): Promise<string> {
  const path = '/apis/rollcall.dev/v1alpha1/namespaces/default/managedsystems';
  const objects = [{ name: 'person', type: 'User', id: 'uid', attributes: [{ name: 'sn' }] }];
  const spec = { type: 'Repository', repository: {}, objects };
  const head = { apiVersion: 'rollcall.dev/v1alpha1', kind: 'ManagedSystem', metadata: { name: 'changing' } };
  await plane.request('POST', path, { ...head, spec });
  const file = {
    type: 'CSV',
    csv: {},
    repository: null,
    objects: [{ ...objects[0], csv: { path: 'a.csv' } }],
  };
  const { body } = await plane.request(
    'PATCH',
    `${path}/changing`,
    { spec: file },
    'application/merge-patch+json',
  );
  return isRecord(body) ? String(body['message']) : '';
}

function messagesOfRules(): string[] {
  const messages = new Set<string>();
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (isRecord(value)) {
      if (typeof value['rule'] === 'string') messages.add(String(value['message']));
      Object.values(value).forEach(collect);
    }
  };
  for (const schema of loadSchemas().values()) collect(schema);
  return [...messages];
}
