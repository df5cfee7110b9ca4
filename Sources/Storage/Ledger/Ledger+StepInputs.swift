import Diagnostics
import GRDB
import OCI

/// What went into one step when a build of some name last had it: enough to say what changed since.
package struct StepInputs: Sendable, Hashable {
  /// A step's place in the builds of one name.
  package struct Place: Sendable, Hashable {
    /// The stage's name, or its number when it has none.
    package var stage: String
    /// Among the stage's steps, from 0.
    package var ordinal: Int
    package init(stage: String, ordinal: Int) {
      self.stage = stage
      self.ordinal = ordinal
    }
  }

  package var place: Place
  /// The step's cache key.
  package var key: Digest
  /// The first build of the name with this key.
  package var build: String
  /// Keyed digests of the inputs, by what they are called; never an input itself. As JSON; empty in `stepInputs`.
  package var parts: [UInt8]

  package init(place: Place, key: Digest, build: String, parts: [UInt8]) {
    self.place = place
    self.key = key
    self.build = build
    self.parts = parts
  }
}

extension Ledger {
  /// All steps of the builds of a name, without their parts.
  package func stepInputs(
    ofBuilds name: String, of organization: OrganizationName
  ) throws(Failure) -> [StepInputs] {
    try read("reading what went into a build") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT stage, ordinal, key, build FROM step_inputs WHERE organization = ? AND build_name = ?
          """,
        arguments: [organization.name, name]
      ).map { row in
        StepInputs(
          place: StepInputs.Place(stage: row["stage"], ordinal: row["ordinal"]), key: try Digest(row["key"]),
          build: row["build"], parts: [])
      }
    }
  }

  /// The parts of one step; nil when nothing is known of it.
  package func stepParts(
    at place: StepInputs.Place, ofBuilds name: String, of organization: OrganizationName
  ) throws(Failure) -> [UInt8]? {
    try read("reading what went into a step") { db in
      try String.fetchOne(
        db,
        sql: """
          SELECT parts FROM step_inputs WHERE organization = ? AND build_name = ? AND stage = ? AND ordinal = ?
          """,
        arguments: [organization.name, name, place.stage, place.ordinal]
      ).map { Array($0.utf8) }
    }
  }

  /// Of the builds of one name so many steps are remembered, those that changed last; more than any Dockerfile has.
  package static let mostStepsOfName = 2000
  /// Of all names together.
  package static let mostSteps = 200_000

  /// Forgets the steps that changed longest ago where there are more than `most`.
  package func forgetOldStepInputs(keeping most: Int = Ledger.mostSteps) throws(Failure) {
    try write("forgetting what went into old builds") { db in
      try db.execute(
        sql: """
          DELETE FROM step_inputs
          WHERE rowid <= (SELECT rowid FROM step_inputs ORDER BY rowid DESC LIMIT 1 OFFSET ?)
          """,
        arguments: [most])
    }
  }

  /// Remembers steps instead of what was known of their places, in one transaction.
  package func saveStepInputs(
    _ steps: [StepInputs], ofBuilds name: String, of organization: OrganizationName,
    keeping most: Int = Ledger.mostStepsOfName
  ) throws(Failure) {
    try write("saving what went into a build") { db in
      for step in steps {
        try db.execute(
          sql: """
            INSERT OR REPLACE INTO step_inputs (organization, build_name, stage, ordinal, key, build, parts)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            organization.name, name, step.place.stage, step.place.ordinal, step.key.description, step.build,
            String(decoding: step.parts, as: UTF8.self),
          ]
        )
      }
      // A row that is replaced gets a new number, so these count the changes.
      try db.execute(
        sql: """
          DELETE FROM step_inputs WHERE organization = ?1 AND build_name = ?2 AND rowid <= (
            SELECT rowid FROM step_inputs WHERE organization = ?1 AND build_name = ?2
            ORDER BY rowid DESC LIMIT 1 OFFSET ?3)
          """,
        arguments: [organization.name, name, most])
    }
  }
}
