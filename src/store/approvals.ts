/** Held plans and their release: exactly the stored operations, each once, while the plan has not expired. */
import type { HeldPlan } from '../engine/ports.ts';
import { numberOf, textOf, type Database } from './database.ts';
import { HandActs } from './hand-acts.ts';

/** How long an expired plan, and what was used of it, is remembered. */
const KEEP_EXPIRED_MS = 30 * 86_400_000;

/** Whoever may write the manifest: Git knows who. */
export const SPECIFIED = 'spec.approvedPlan';

export class Approvals {
  readonly #database: Database;
  readonly #mapping: number;

  constructor(database: Database, mapping: number) {
    this.#database = database;
    this.#mapping = mapping;
  }

  /** The same digest again keeps its first expiry, until that is over. */
  keep(plan: HeldPlan, now: number): HeldPlan {
    const known = this.#find(plan.digest);
    if (known && known.expiresAt >= now) return known;
    this.#forget(now);
    const sql =
      'INSERT OR REPLACE INTO held_plans (mapping, digest, operations, expires_at, approved_at) VALUES (?, ?, ?, ?, NULL)';
    this.#database.run(sql, this.#mapping, plan.digest, JSON.stringify(plan.operations), plan.expiresAt);
    return plan;
  }

  /**
   * False: no plan of that digest is held, or it has expired. Approving again releases once more. `who`: a person,
   * or the field or annotation that names the digest.
   */
  approve(digest: string, who: string, now: number): boolean {
    const plan = this.#find(digest);
    if (!plan || plan.expiresAt < now) return false;
    this.#database.run(
      'UPDATE held_plans SET approved_at = ? WHERE mapping = ? AND digest = ?',
      now,
      this.#mapping,
      digest,
    );
    this.#database.run('DELETE FROM used_releases WHERE mapping = ? AND plan = ?', this.#mapping, digest);
    this.#note(digest, who, now);
    this.#database.flush();
    return true;
  }

  /** A run has begun under a manifest that names this digest: told once, where it names anything that is held. */
  noteSpecified(digest: string, now: number): void {
    const plan = this.#find(digest);
    const isKnown = new HandActs(this.#database).hasReleased(this.#mapping, SPECIFIED, digest);
    if (plan && plan.expiresAt >= now && !isKnown) this.#note(digest, SPECIFIED, now);
  }

  #note(plan: string, who: string, at: number): void {
    new HandActs(this.#database).add({ mapping: this.#mapping, at, who, kind: 'Release', what: { plan } });
  }

  released(now: number, approvedPlan: string | undefined): Set<string> {
    const released = new Set<string>();
    for (const { digest, operations } of this.#open(now, approvedPlan)) {
      const used = this.#used(digest);
      for (const operation of operations) if (!used.has(operation)) released.add(operation);
    }
    return released;
  }

  /** Used is used for every plan that holds it now: another one that contains it does not release it a second time. */
  use(operation: string): void {
    const sql =
      'INSERT OR IGNORE INTO used_releases (mapping, plan, operation) SELECT mapping, digest, ? FROM held_plans WHERE mapping = ?';
    this.#database.run(sql, operation, this.#mapping);
  }

  #forget(now: number): void {
    const old = now - KEEP_EXPIRED_MS;
    const used = `DELETE FROM used_releases WHERE mapping = ? AND plan IN (SELECT digest FROM held_plans WHERE mapping = ? AND expires_at < ?)`;
    this.#database.run(used, this.#mapping, this.#mapping, old);
    this.#database.run('DELETE FROM held_plans WHERE mapping = ? AND expires_at < ?', this.#mapping, old);
  }

  #used(plan: string): Set<string> {
    const rows = this.#database.iterate(
      'SELECT operation FROM used_releases WHERE mapping = ? AND plan = ?',
      this.#mapping,
      plan,
    );
    return new Set([...rows].map((row) => textOf(row, 'operation')));
  }

  #open(now: number, approvedPlan: string | undefined): HeldPlan[] {
    const sql = `SELECT digest, operations, expires_at FROM held_plans
      WHERE mapping = ? AND expires_at >= ? AND (approved_at IS NOT NULL OR digest = ?)`;
    return [...this.#database.iterate(sql, this.#mapping, now, approvedPlan ?? '')].map(planOf);
  }

  #find(digest: string): HeldPlan | undefined {
    const sql = 'SELECT digest, operations, expires_at FROM held_plans WHERE mapping = ? AND digest = ?';
    const row = this.#database.get(sql, this.#mapping, digest);
    return row && planOf(row);
  }
}

function planOf(row: Parameters<typeof textOf>[0]): HeldPlan {
  return {
    digest: textOf(row, 'digest'),
    operations: JSON.parse(textOf(row, 'operations')) as string[],
    expiresAt: numberOf(row, 'expires_at'),
  };
}

export interface HeldPlanLine {
  readonly digest: string;
  readonly operations: number;
  readonly approved: boolean;
  readonly expiresAt: number;
}

/** What is held and has not expired. */
export function listHeldPlans(database: Database, mapping: number, now: number): HeldPlanLine[] {
  const sql =
    'SELECT digest, operations, expires_at, approved_at FROM held_plans WHERE mapping = ? AND expires_at >= ? ORDER BY expires_at DESC';
  return [...database.iterate(sql, mapping, now)].map((row) => ({
    digest: textOf(row, 'digest'),
    operations: planOf(row).operations.length,
    approved: row['approved_at'] !== null,
    expiresAt: numberOf(row, 'expires_at'),
  }));
}
