/** Values that a store keeps, made from what a test is about. */
import type { Intent, Spending, StoredLink } from '../../src/engine/ports.ts';
import type { EntryRecord } from '../../src/engine/entry-record.ts';

export const NOW = 1_700_000_000_000;

export function link(sourceKey: string, targetKey: string, more: Partial<StoredLink> = {}): StoredLink {
  return {
    sourceId: `S ${sourceKey}`,
    targetId: `T ${targetKey}`,
    sourceKey,
    targetKey,
    sourcePrint: '07'.repeat(16),
    targetPrint: 'ff'.repeat(16),
    settledIn: 'epoch',
    agreed: new Map([['mail', '0011223344556677']]),
    linkedAt: NOW,
    ...more,
  };
}

export function intent(id: string, more: Partial<Intent> = {}): Intent {
  return {
    id,
    kind: 'Create',
    side: 'Target',
    sourceKey: `source of ${id}`,
    targetKey: undefined,
    sourceId: undefined,
    targetId: undefined,
    naturalKey: `uid=${id}`,
    hashes: { mail: '00', 'ä🦊': 'ff' },
    spending: [spending('Create', 1)],
    ...more,
  };
}

export function spending(effect: string, count: number, attribute = ''): Spending {
  return { side: 'Target', effect, attribute, count };
}

export function record(
  source: string | null,
  target: string | null,
  more: Partial<EntryRecord> = {},
): EntryRecord {
  return {
    situation: 'Absent',
    row: 'A11',
    changes: [],
    response: 'CreateTarget',
    rule: null,
    source,
    sourceName: null,
    target,
    targetName: null,
    outcome: 'Applied',
    held: null,
    differences: [{ attribute: 'photo', author: null, from: [], to: [{ base64: 'AAE=' }] }],
    error: null,
    passedOver: [],
    ...more,
  };
}
