/// The ledger that the first version left after a build that succeeded and one that failed, as SQLite dumps it.
enum OldLedger {
  static let text = """
    CREATE TABLE build_secrets (
      organization TEXT NOT NULL,
      secret_group TEXT NOT NULL,
      sealed BLOB NOT NULL,
      PRIMARY KEY (organization, secret_group)
    ) STRICT, WITHOUT ROWID;
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
    INSERT INTO "builds" VALUES(
      'bld_01M7YGYWCMZ8V1JHZXF8YV259F','dev','app','Dockerfile',
      '["v1"]','{}','linux/amd64',0,0,'archive','sha256:57eef60a0cd18e17c0f03afa188c4f44b0ac0f5539ed49d6f7de0f5a73791595',
      NULL,'','','succeeded',NULL,
      '["localhost:4480/dev/app:v1"]','sha256:ea37251cc5d2cc85c6920bf59fbc8609533079ceb07d921b30fdeb84ffff3782',10,533,1,0,1795247010196,1795247010197,1795247010207);
    INSERT INTO "builds" VALUES(
      'bld_01M7YGYWDXKSKFCEXC1KH7BT4X','dev','bad','Dockerfile',
      '["latest"]','{}','linux/amd64',0,0,'archive','sha256:09f6a01f136622f457b58ee167955b8a2a36cbf40b61b9b8c76da13593806709',
      NULL,'','','failed','{"cause":"manifest ''latest'' is not in repository ''dev/nothing''","code":5,"hint":"import it with: kindling image import nothing FILE-or-DIR, or push it to ORG/NAME here","message":"base image ''nothing'' is not in the local registry","reason":"base-image-unknown","source":{"file":"Dockerfile","firstLine":1,"lastLine":1,"lines":["FROM nothing"],"shownFrom":1}}',
      '[]',NULL,NULL,NULL,NULL,NULL,1795247010237,1795247010238,1795247010242);
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
    CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
    INSERT INTO "grdb_migrations" VALUES('1 builds and contexts');
    INSERT INTO "grdb_migrations" VALUES('1 registry');
    INSERT INTO "grdb_migrations" VALUES('1 layers, secrets');
    CREATE TABLE layers (
      digest TEXT NOT NULL PRIMARY KEY,
      diff_id TEXT NOT NULL,
      size INTEGER NOT NULL,
      media_type TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE manifest_references (
      repository TEXT NOT NULL,
      manifest TEXT NOT NULL,
      digest TEXT NOT NULL,
      PRIMARY KEY (repository, manifest, digest),
      FOREIGN KEY (repository, manifest) REFERENCES manifests (repository, digest) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
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
    CREATE TABLE repositories (
      name TEXT NOT NULL PRIMARY KEY,
      owner TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE repository_blobs (
      repository TEXT NOT NULL,
      digest TEXT NOT NULL,
      PRIMARY KEY (repository, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE step_cache (
      organization TEXT NOT NULL,
      key TEXT NOT NULL,
      layer TEXT NOT NULL,             -- digest in layers
      created_at INTEGER NOT NULL,
      PRIMARY KEY (organization, key),
      FOREIGN KEY (layer) REFERENCES layers (digest) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tags (
      repository TEXT NOT NULL,
      tag TEXT NOT NULL,
      digest TEXT NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (repository, tag),
      FOREIGN KEY (repository, digest) REFERENCES manifests (repository, digest) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX builds_by_organization ON builds (organization, id);
    CREATE INDEX builds_by_status ON builds (organization, status, id);
    CREATE INDEX builds_by_completion ON builds (completed_at) WHERE completed_at IS NOT NULL;
    CREATE INDEX builds_unfinished ON builds (id) WHERE status IN ('pending', 'running');
    CREATE INDEX contexts_by_expiry ON contexts (expires_at);
    CREATE INDEX repositories_by_owner ON repositories (owner, name);
    CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);
    CREATE INDEX manifests_by_subject ON manifests (repository, subject, digest) WHERE subject IS NOT NULL;
    CREATE INDEX manifests_by_digest ON manifests (digest);
    CREATE INDEX manifest_references_by_digest ON manifest_references (digest);
    CREATE INDEX tags_by_digest ON tags (repository, digest);
    CREATE INDEX step_cache_by_layer ON step_cache (layer);
    """
}
