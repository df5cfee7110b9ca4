extension Ledger {
  /// Apps and everything that goes with them: removing an app removes all of it.
  static let appTables = """
    ALTER TABLE builds ADD COLUMN git_secret TEXT;
    ALTER TABLE builds ADD COLUMN may_use_starter INTEGER NOT NULL DEFAULT 0;

    CREATE TABLE apps (
      organization TEXT NOT NULL,
      name TEXT NOT NULL,
      configuration TEXT NOT NULL,          -- JSON
      configuration_number INTEGER NOT NULL,
      active_version INTEGER,
      last_version INTEGER NOT NULL,
      last_draft INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (organization, name)
    ) STRICT, WITHOUT ROWID;

    -- At most one for each app; `number` is another for every saving.
    CREATE TABLE app_drafts (
      organization TEXT NOT NULL,
      name TEXT NOT NULL,
      number INTEGER NOT NULL,
      code TEXT NOT NULL,                   -- JSON
      archive TEXT,                         -- digest in the context store
      code_hash TEXT NOT NULL,
      status TEXT NOT NULL,
      deploy TEXT,
      failure TEXT,                         -- JSON
      image TEXT,                           -- JSON
      saved_at INTEGER NOT NULL,
      PRIMARY KEY (organization, name),
      FOREIGN KEY (organization, name) REFERENCES apps (organization, name) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE app_versions (
      organization TEXT NOT NULL,
      name TEXT NOT NULL,
      version INTEGER NOT NULL,
      code TEXT NOT NULL,
      archive TEXT,
      code_hash TEXT NOT NULL,
      image TEXT NOT NULL,
      configuration TEXT NOT NULL,          -- as it was then
      published_at INTEGER NOT NULL,
      PRIMARY KEY (organization, name, version),
      FOREIGN KEY (organization, name) REFERENCES apps (organization, name) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;

    -- What apps run is collected by nobody.
    CREATE INDEX app_drafts_by_image ON app_drafts
      (json_extract(image, '$.repository'), json_extract(image, '$.digest')) WHERE image IS NOT NULL;
    CREATE INDEX app_versions_by_image ON app_versions
      (json_extract(image, '$.repository'), json_extract(image, '$.digest'));

    CREATE TABLE compiles (
      deploy TEXT NOT NULL PRIMARY KEY,
      organization TEXT NOT NULL,
      name TEXT NOT NULL,
      draft_number INTEGER NOT NULL,
      build TEXT,
      completed_at INTEGER,
      FOREIGN KEY (organization, name) REFERENCES apps (organization, name) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX compiles_by_app ON compiles (organization, name, deploy);
    CREATE INDEX compiles_unfinished ON compiles (deploy) WHERE completed_at IS NULL;

    CREATE TABLE executions (
      id TEXT NOT NULL PRIMARY KEY,
      organization TEXT NOT NULL,           -- whose app it is
      name TEXT NOT NULL,
      caller TEXT NOT NULL,                 -- the organisation that called
      status TEXT NOT NULL,
      status_code INTEGER,
      output BLOB,
      error TEXT,
      created_at INTEGER NOT NULL,
      completed_at INTEGER,
      FOREIGN KEY (organization, name) REFERENCES apps (organization, name) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX executions_by_app ON executions (organization, name, id);
    CREATE INDEX executions_unfinished ON executions (id) WHERE completed_at IS NULL;
    """
}
