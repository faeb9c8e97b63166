/** Every row of the table, in an order in which the directory is filled as seldom as can be. */
import { FIRST_LOAD, PARTLY_CHANGED, PLAN } from './change-scenarios.ts';
import { FIRST_RUN, FROM_REPOSITORY, OVER_TLS, QUIET, STRANGERS } from './quiet-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { EMPTY_RUN, REPOSITORY_LOAD, REPOSITORY_QUIET, START_UP } from './store-scenarios.ts';

export const SCENARIOS: readonly Scenario[] = [
  START_UP,
  EMPTY_RUN,
  REPOSITORY_LOAD,
  REPOSITORY_QUIET,
  PLAN,
  FIRST_LOAD,
  QUIET,
  OVER_TLS,
  FROM_REPOSITORY,
  FIRST_RUN,
  PARTLY_CHANGED,
  STRANGERS,
];
