/** The schema of the store, numbered and forward only. A migration that was released is never edited. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE mappings (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    source_system TEXT NOT NULL, source_object TEXT NOT NULL, target_system TEXT NOT NULL, target_object TEXT NOT NULL,
    seen_at INTEGER NOT NULL
  );
  CREATE TABLE links (
    mapping INTEGER NOT NULL, source_key TEXT NOT NULL, target_key TEXT NOT NULL, source_id TEXT NOT NULL, target_id TEXT NOT NULL,
    source_print TEXT, target_print TEXT, settled_in TEXT, agreed TEXT NOT NULL, linked_at INTEGER NOT NULL,
    PRIMARY KEY (mapping, source_key)
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX links_target ON links (target_key, mapping);
  CREATE TABLE wants (mapping INTEGER NOT NULL, target_key TEXT NOT NULL, PRIMARY KEY (target_key, mapping)) WITHOUT ROWID;
  CREATE TABLE since (
    mapping INTEGER NOT NULL, side TEXT NOT NULL, key TEXT NOT NULL, situation TEXT NOT NULL, at INTEGER NOT NULL, run INTEGER NOT NULL,
    PRIMARY KEY (mapping, side, key, situation)
  ) WITHOUT ROWID;
  CREATE TABLE marks (system TEXT NOT NULL, object TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (system, object, key)) WITHOUT ROWID;
  CREATE TABLE baselines (mapping INTEGER NOT NULL, side TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (mapping, side)) WITHOUT ROWID;
  CREATE TABLE intents (id TEXT PRIMARY KEY, mapping INTEGER NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX intents_mapping ON intents (mapping, number);
  CREATE TABLE spent (
    mapping INTEGER NOT NULL, at INTEGER NOT NULL, side TEXT NOT NULL, effect TEXT NOT NULL, attribute TEXT NOT NULL, count INTEGER NOT NULL
  );
  CREATE INDEX spent_mapping ON spent (mapping, at);
  CREATE TABLE held_plans (
    mapping INTEGER NOT NULL, digest TEXT NOT NULL, operations TEXT NOT NULL, expires_at INTEGER NOT NULL, approved_at INTEGER,
    PRIMARY KEY (mapping, digest)
  ) WITHOUT ROWID;
  CREATE TABLE used_releases (
    mapping INTEGER NOT NULL, plan TEXT NOT NULL, operation TEXT NOT NULL, PRIMARY KEY (mapping, plan, operation)
  ) WITHOUT ROWID;
  CREATE TABLE runs (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, mapping INTEGER NOT NULL, mode TEXT NOT NULL, started_at INTEGER NOT NULL,
    finished_at INTEGER, outcome TEXT, source_complete TEXT, body TEXT
  );
  CREATE INDEX runs_mapping ON runs (mapping, sequence);
  CREATE TABLE entries (
    run INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, number INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (run, source, target, number)
  ) WITHOUT ROWID;
  CREATE TABLE objects (
    system TEXT NOT NULL, object TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, attributes TEXT NOT NULL,
    changed INTEGER NOT NULL, deleted_at INTEGER, PRIMARY KEY (system, object, key)
  ) WITHOUT ROWID;
  CREATE INDEX objects_changed ON objects (system, object, changed);
  CREATE TABLE unique_values (
    system TEXT NOT NULL, object TEXT NOT NULL, attribute TEXT NOT NULL, value TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (system, object, attribute, value)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE hand_acts (
    id TEXT PRIMARY KEY, mapping INTEGER NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX hand_acts_at ON hand_acts (at);
  `,
  `
  CREATE TABLE link_books (mapping INTEGER PRIMARY KEY, valid INTEGER NOT NULL, header TEXT NOT NULL);
  CREATE TABLE link_pages (
    mapping INTEGER NOT NULL, part TEXT NOT NULL, page INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (mapping, part, page)
  );
  CREATE TRIGGER links_added AFTER INSERT ON links BEGIN
    UPDATE link_books SET valid = 0 WHERE mapping = NEW.mapping AND valid = 1;
  END;
  CREATE TRIGGER links_changed AFTER UPDATE ON links BEGIN
    UPDATE link_books SET valid = 0 WHERE mapping IN (OLD.mapping, NEW.mapping) AND valid = 1;
  END;
  CREATE TRIGGER links_removed AFTER DELETE ON links BEGIN
    UPDATE link_books SET valid = 0 WHERE mapping = OLD.mapping AND valid = 1;
  END;
  `,
  `
  ALTER TABLE intents RENAME TO single_intents;
  CREATE TABLE intents (number INTEGER PRIMARY KEY, mapping INTEGER NOT NULL, body TEXT NOT NULL);
  INSERT INTO intents (mapping, body) SELECT mapping, '[' || body || ']' FROM single_intents ORDER BY mapping, number;
  DROP TABLE single_intents;
  CREATE INDEX intents_mapping ON intents (mapping);
  `,
  `
  CREATE TABLE unlinked_books (mapping INTEGER PRIMARY KEY, header TEXT NOT NULL);
  CREATE TABLE unlinked_pages (
    mapping INTEGER NOT NULL, side TEXT NOT NULL, part TEXT NOT NULL, page INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (mapping, side, part, page)
  );
  ALTER TABLE runs ADD COLUMN repeats INTEGER;
  `,
  `
  ALTER TABLE entries ADD COLUMN kind INTEGER;
  CREATE TABLE record_kinds (run INTEGER NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run, number)) WITHOUT ROWID;
  `,
];
