import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DomainMetrics } from '../../src/observe/domain-metrics.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { familiesOf } from '../support/exposition.ts';
import { documentedMetrics } from '../support/metrics-page.ts';

/** What dashboards for controller-runtime and client-go ask for. */
const EXPECTED = [
  'controller_runtime_active_workers',
  'controller_runtime_max_concurrent_reconciles',
  'controller_runtime_reconcile_errors_total',
  'controller_runtime_reconcile_time_seconds',
  'controller_runtime_reconcile_total',
  'leader_election_master_status',
  'rest_client_request_duration_seconds',
  'rest_client_requests_total',
  'workqueue_adds_total',
  'workqueue_depth',
  'workqueue_longest_running_processor_seconds',
  'workqueue_queue_duration_seconds',
  'workqueue_retries_total',
  'workqueue_unfinished_work_seconds',
  'workqueue_work_duration_seconds',
];

const metrics = new Metrics({ version: '0.0.0', leaseName: 'rollcall' });
const text = `${await metrics.text()}${await new DomainMetrics(() => 0).text()}`;

it('docs/metrics.md has every metric with its type and its meaning, and no other', () => {
  const told = familiesOf(text).map(({ name, type, help }) => ({
    name,
    type,
    help: help.replace(/\.$/, ''),
  }));
  const documented = documentedMetrics().map(({ name, type, help }) => ({ name, type, help }));
  const byName = (one: { name: string }, other: { name: string }): number => (one.name < other.name ? -1 : 1);
  expect(documented.toSorted(byName)).toEqual(told.toSorted(byName));
});

it('the names are those that dashboards know', () => {
  const names = familiesOf(text).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(EXPECTED));
});

it('the page that users read links to it', () => {
  const install = readFileSync(new URL('../../docs/install.md', import.meta.url), 'utf8');
  expect(install).toContain('(metrics.md)');
});
