import Diagnostics
import GRDB
import OCI

extension Ledger {
  /// Since when the queue is paused; nil while it is not.
  package func queuePausedAt() throws(Failure) -> Timestamp? {
    try read("reading the queue's pause") { db in
      try Int64.fetchOne(db, sql: "SELECT since FROM queue_pause").map(Timestamp.init(milliseconds:))
    }
  }

  /// Remembers that the queue is paused, or that it is not.
  package func setQueuePause(since moment: Timestamp?) throws(Failure) {
    try write("saving the queue's pause") { db in
      try db.execute(sql: "DELETE FROM queue_pause")
      if let moment {
        try db.execute(sql: "INSERT INTO queue_pause (id, since) VALUES (1, ?)", arguments: [moment.milliseconds])
      }
    }
  }

  /// RUNNING → SUCCEEDED as a part of what commits the image.
  static func succeed(_ build: BuildCompletion, with manifest: Digest, _ db: Database) throws {
    let now = build.clock.now().milliseconds
    try db.execute(
      sql: """
        UPDATE builds SET status = 'succeeded', image_references = ?, manifest = ?, image_size = ?, layer_count = ?,
          cache_used = ?, duration_ms = max(0, ? - started_at), completed_at = ?
        WHERE id = ? AND status = 'running'
        """,
      arguments: [
        try JSONColumn.text(build.references), manifest.description, build.imageSize.bytes, build.layerCount,
        build.cacheUsed, now, now, build.id.text,
      ]
    )
    guard db.changesCount == 1 else {
      throw Failure(.cancelled, reason: "cancelled", "the build was cancelled")
    }
  }
}
