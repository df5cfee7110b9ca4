import GRDB

extension Ledger {
  /// The ledger's shape, step by step. A step that was ever released is never edited; a change is a new step.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 builds and contexts") { db in try db.execute(sql: buildTables) }
    migrator.registerMigration("1 registry") { db in try db.execute(sql: registryTables) }
    migrator.registerMigration("1 layers, secrets") { db in try db.execute(sql: otherTables) }
    migrator.registerMigration("2 git sources") { db in try db.execute(sql: gitColumns) }
    migrator.registerMigration("2 pulled images") { db in try db.execute(sql: pulledTable) }
    migrator.registerMigration("3 step inputs") { db in try db.execute(sql: stepTable) }
    migrator.registerMigration("4 queue") { db in try db.execute(sql: pauseTable) }
    migrator.registerMigration("5 secret slots") { db in try db.execute(sql: secretSlotTable) }
    migrator.registerMigration("6 apps") { db in try db.execute(sql: appTables) }
    migrator.registerMigration("7 collection") { db in try db.execute(sql: collectionColumns) }
    return migrator
  }

  /// `source_kind` is 'git' for builds with these; the columns of an archive are NULL then.
  private static let gitColumns = """
    ALTER TABLE builds ADD COLUMN git_url TEXT;
    ALTER TABLE builds ADD COLUMN git_reference TEXT;
    ALTER TABLE builds ADD COLUMN git_directory TEXT;
    ALTER TABLE builds ADD COLUMN git_commit TEXT;
    """

  /// When a blob came to a repository, so that its manifest has time to follow; which manifests came from other
  /// registries and can come again; and an index by which what names a blob in its repository is found.
  private static let collectionColumns = """
    ALTER TABLE repository_blobs ADD COLUMN linked_at INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE pulled_manifests (
      repository TEXT NOT NULL,
      digest TEXT NOT NULL,
      PRIMARY KEY (repository, digest),
      FOREIGN KEY (repository, digest) REFERENCES manifests (repository, digest) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    DROP INDEX manifest_references_by_digest;
    CREATE INDEX manifest_references_by_blob ON manifest_references (digest, repository);
    """

  /// Tags that came from another registry, and when it was last asked what they stand for. A tag that stands for
  /// another digest than this was pushed or imported since.
  private static let pulledTable = """
    CREATE TABLE pulled_tags (
      repository TEXT NOT NULL,
      tag TEXT NOT NULL,
      digest TEXT NOT NULL,
      asked_at INTEGER NOT NULL,
      PRIMARY KEY (repository, tag)
    ) STRICT, WITHOUT ROWID;
    """

  /// What the steps of the last build of each name were made of, to say why the next ones run.
  private static let stepTable = """
    CREATE TABLE step_inputs (
      organization TEXT NOT NULL,
      build_name TEXT NOT NULL,
      stage TEXT NOT NULL,
      ordinal INTEGER NOT NULL,
      key TEXT NOT NULL,
      build TEXT NOT NULL,             -- the first with this key
      parts TEXT NOT NULL,             -- JSON map of keyed digests
      PRIMARY KEY (organization, build_name, stage, ordinal)
    ) STRICT;
    """

  /// A row while the queue is paused, none otherwise.
  private static let pauseTable = """
    CREATE TABLE queue_pause (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      since INTEGER NOT NULL
    ) STRICT;
    """

  private static let buildTables = """
    CREATE TABLE builds (
      id TEXT NOT NULL PRIMARY KEY,
      organization TEXT NOT NULL,
      name TEXT NOT NULL,
      dockerfile TEXT NOT NULL,
      tags TEXT NOT NULL,              -- JSON list
      build_args TEXT NOT NULL,        -- JSON map
      platform TEXT NOT NULL,
      no_cache INTEGER NOT NULL,
      timeout_seconds INTEGER NOT NULL,
      source_kind TEXT NOT NULL,       -- 'archive'
      source_digest TEXT,
      source_context TEXT,
      registry TEXT NOT NULL,
      repository TEXT NOT NULL,
      status TEXT NOT NULL,
      failure TEXT,                    -- JSON
      image_references TEXT NOT NULL,  -- JSON list
      manifest TEXT,
      duration_ms INTEGER,
      image_size INTEGER,
      layer_count INTEGER,
      cache_used INTEGER,
      created_at INTEGER NOT NULL,
      started_at INTEGER,
      completed_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX builds_by_organization ON builds (organization, id);
    CREATE INDEX builds_by_status ON builds (organization, status, id);
    CREATE INDEX builds_by_completion ON builds (completed_at) WHERE completed_at IS NOT NULL;
    CREATE INDEX builds_unfinished ON builds (id) WHERE status IN ('pending', 'running');

    CREATE TABLE contexts (
      id TEXT NOT NULL PRIMARY KEY,
      organization TEXT NOT NULL,
      name TEXT NOT NULL,
      content_type TEXT NOT NULL,
      digest TEXT NOT NULL,
      size INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX contexts_by_expiry ON contexts (expires_at);
    """

  private static let registryTables = """
    CREATE TABLE repositories (
      name TEXT NOT NULL PRIMARY KEY,
      owner TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX repositories_by_owner ON repositories (owner, name);

    -- A blob can be seen in the repositories it was pushed or mounted to, and nowhere else.
    CREATE TABLE repository_blobs (
      repository TEXT NOT NULL,
      digest TEXT NOT NULL,
      PRIMARY KEY (repository, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);

    CREATE TABLE manifests (
      repository TEXT NOT NULL,
      digest TEXT NOT NULL,
      media_type TEXT NOT NULL,
      artifact_type TEXT,
      subject TEXT,
      size INTEGER NOT NULL,
      annotations TEXT,                -- JSON map, as referrers list it
      pushed_at INTEGER NOT NULL,
      PRIMARY KEY (repository, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX manifests_by_subject ON manifests (repository, subject, digest) WHERE subject IS NOT NULL;
    CREATE INDEX manifests_by_digest ON manifests (digest);

    -- What a manifest names: config and layers, or the manifests of an index.
    CREATE TABLE manifest_references (
      repository TEXT NOT NULL,
      manifest TEXT NOT NULL,
      digest TEXT NOT NULL,
      PRIMARY KEY (repository, manifest, digest),
      FOREIGN KEY (repository, manifest) REFERENCES manifests (repository, digest) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX manifest_references_by_digest ON manifest_references (digest);

    CREATE TABLE tags (
      repository TEXT NOT NULL,
      tag TEXT NOT NULL,
      digest TEXT NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (repository, tag),
      FOREIGN KEY (repository, digest) REFERENCES manifests (repository, digest) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tags_by_digest ON tags (repository, digest);
    """

  private static let otherTables = """
    CREATE TABLE layers (
      digest TEXT NOT NULL PRIMARY KEY,
      diff_id TEXT NOT NULL,
      size INTEGER NOT NULL,
      media_type TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE step_cache (
      organization TEXT NOT NULL,
      key TEXT NOT NULL,
      layer TEXT NOT NULL,             -- digest in layers
      created_at INTEGER NOT NULL,
      PRIMARY KEY (organization, key),
      FOREIGN KEY (layer) REFERENCES layers (digest) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX step_cache_by_layer ON step_cache (layer);

    CREATE TABLE build_secrets (
      organization TEXT NOT NULL,
      secret_group TEXT NOT NULL,
      sealed BLOB NOT NULL,
      PRIMARY KEY (organization, secret_group)
    ) STRICT, WITHOUT ROWID;
    """
}
