/// The questions about builds that must stay quick however many there are; a test looks at the plan SQLite makes of each.
enum BuildQuery {
  /// A page of an organisation's builds, newest first.
  static func page(byStatus: Bool, after: Bool) -> String {
    "SELECT * FROM builds WHERE organization = ?" + (byStatus ? " AND status = ?" : "") + (after ? " AND id < ?" : "")
      + " ORDER BY id DESC LIMIT ?"
  }

  static let count = "SELECT count(*) FROM (SELECT 1 FROM builds LIMIT ?)"

  static let lastCompleted = "SELECT * FROM builds WHERE completed_at IS NOT NULL ORDER BY completed_at DESC LIMIT ?"

  static let unfinished = "SELECT * FROM builds WHERE status IN ('pending', 'running') ORDER BY id"

  static let contextsInUse = """
    SELECT digest FROM contexts
    UNION SELECT source_digest FROM builds WHERE status IN ('pending', 'running') AND source_digest IS NOT NULL
    UNION SELECT archive FROM app_drafts WHERE archive IS NOT NULL
    UNION SELECT archive FROM app_versions WHERE archive IS NOT NULL
    """
}
