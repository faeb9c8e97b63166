/** What a policy says against itself (SITUATIONS.md, "Responses"). */
import { expect, it } from 'vitest';

import type { PolicyRule } from '../../src/api/situation-policy.ts';
import { policyProblems } from '../../src/controller/definition-policy.ts';
import { RESPONSES } from '../../src/engine/defaults.ts';
import { SITUATIONS } from '../../src/engine/definition.ts';
import { policyRule } from '../support/manifests.ts';

function problemsOf(...rules: readonly Partial<PolicyRule>[]): string[] {
  return policyProblems(rules.map(policyRule)).map(({ message }) => message);
}

it.each(SITUATIONS)('%s allows what the table allows, and names it where it refuses', (situation) => {
  const all = [...new Set(SITUATIONS.flatMap((one) => RESPONSES[one].allowed))];
  for (const response of all) {
    const told = problemsOf({ situations: [situation], response }).filter((one) =>
      one.includes('not allowed'),
    );
    expect(told.length === 0).toBe(RESPONSES[situation].allowed.includes(response));
    if (told.length > 0) expect(told[0]).toContain(`allowed are ${RESPONSES[situation].allowed.join(', ')}`);
  }
});

it.each([
  {
    when: 'Found is deleted and Absent is created, by default',
    rules: [{ situations: ['Found'], response: 'DeleteTarget', evenIfNeverLinked: true }],
    turns: true,
  },
  {
    when: 'Found is deleted and Absent only reported',
    rules: [
      { situations: ['Found'], response: 'DeleteTarget', evenIfNeverLinked: true },
      { situations: ['Absent'] },
    ],
    turns: false,
  },
  {
    when: 'Confirmed is unlinked and Found updated, by default',
    rules: [{ response: 'Unlink' }],
    turns: true,
  },
  {
    when: 'Confirmed is unlinked and Found linked',
    rules: [{ response: 'Unlink' }, { situations: ['Found'], response: 'Link' }],
    turns: true,
  },
  {
    when: 'Confirmed is unlinked and Found reported',
    rules: [{ response: 'Unlink' }, { situations: ['Found'] }],
    turns: false,
  },
  {
    when: 'Confirmed is unlinked and some of Found are updated, the others fail',
    rules: [
      { response: 'Unlink' },
      { situations: ['Found'], when: "target.sn == 'x'", response: 'UpdateTarget' },
      { situations: ['Found'], response: 'Fail' },
    ],
    turns: true,
  },
  {
    when: 'some of Confirmed are unlinked and others of Found linked',
    rules: [
      { response: 'Unlink', when: "source.sn == 'x'" },
      { situations: ['Found'], when: "source.sn != 'x'", response: 'Link' },
      { situations: ['Found'] },
    ],
    turns: false,
  },
  {
    when: 'both have the same condition and Found is reported',
    rules: [
      { response: 'Unlink', when: "source.sn == 'x'" },
      { situations: ['Found'], when: "source.sn == 'x'" },
    ],
    turns: false,
  },
] as readonly { when: string; rules: Partial<PolicyRule>[]; turns: boolean }[])(
  '$when: takes turns $turns',
  ({ rules, turns }) => {
    expect(problemsOf(...rules).some((one) => one.includes('would take turns for ever'))).toBe(turns);
  },
);

it.each([
  {
    when: 'the same situation again',
    rules: [{ situations: ['Absent'] }, { situations: ['Absent'], response: 'CreateTarget' }],
    covered: true,
  },
  {
    when: 'the earlier one has a condition',
    rules: [{ situations: ['Absent'], when: 'true' }, { situations: ['Absent'] }],
    covered: false,
  },
  {
    when: 'the earlier one waits',
    rules: [{ situations: ['Absent'], after: '1h' }, { situations: ['Absent'] }],
    covered: false,
  },
  {
    when: 'one of two situations is left',
    rules: [{ situations: ['Absent'] }, { situations: ['Absent', 'Missing'] }],
    covered: false,
  },
  {
    when: 'two earlier rules take both situations',
    rules: [{ situations: ['Absent'] }, { situations: ['Missing'] }, { situations: ['Absent', 'Missing'] }],
    covered: true,
  },
  {
    when: 'the earlier one passes over entries that were never linked',
    rules: [
      { situations: ['Unqualified'], response: 'DeleteTarget' },
      { situations: ['Unqualified'], response: 'Report' },
    ],
    covered: false,
  },
  {
    when: 'Confirmed for one change, then for all',
    rules: [{ change: 'TargetDrifted' }, {}],
    covered: false,
  },
  { when: 'Confirmed for all, then for one change', rules: [{}, { change: 'TargetDrifted' }], covered: true },
  {
    when: 'an update by attribute, then the same for one change',
    rules: [{ response: 'UpdateTarget' }, { response: 'UpdateTarget', change: 'Conflict' }],
    covered: true,
  },
  {
    when: 'an update by attribute, then a response to the whole pair',
    rules: [{ response: 'UpdateTarget' }, { response: 'DisableTarget', when: 'true' }],
    covered: false,
  },
  {
    when: 'the pair is unlinked, then anything',
    rules: [{ response: 'Unlink' }, { situations: ['Found'] }, {}],
    covered: true,
  },
] as readonly { when: string; rules: Partial<PolicyRule>[]; covered: boolean }[])(
  '$when: covered $covered',
  ({ rules, covered }) => {
    expect(problemsOf(...rules).some((one) => one.includes('can never be reached'))).toBe(covered);
  },
);
