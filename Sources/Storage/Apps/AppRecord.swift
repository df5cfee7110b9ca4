import Diagnostics
import OCI

/// An app as the ledger knows it.
package struct AppRecord: Sendable, Hashable {
  package var id: AppID
  package var configuration: AppConfiguration
  /// Another for every change of the configuration.
  package var configurationNumber: Int64
  /// What calls run; nil before the first publishing.
  package var activeVersion: AppVersion?
  package var createdAt: Timestamp
  package var updatedAt: Timestamp

  package init(
    id: AppID, configuration: AppConfiguration, configurationNumber: Int64 = 1, activeVersion: AppVersion? = nil,
    createdAt: Timestamp, updatedAt: Timestamp
  ) {
    self.id = id
    self.configuration = configuration
    self.configurationNumber = configurationNumber
    self.activeVersion = activeVersion
    self.createdAt = createdAt
    self.updatedAt = updatedAt
  }
}

/// What an app's next version is made of: one for each app, replaced whole by every saving.
package struct AppDraft: Sendable, Hashable {
  package enum Status: String, Sendable, Hashable { case saved, compiling, compiled, failed }

  package var app: AppID
  /// Another for every saving of the app, from 1.
  package var number: Int64
  package var code: AppCode
  package var codeHash: String
  package var status: Status
  /// Its last compile.
  package var deploy: DeployID?
  package var failure: Failure?
  /// What its last compile made; nil until there is one.
  package var image: AppImage?
  package var savedAt: Timestamp

  /// A draft that is about to be saved; the ledger gives it its number.
  package init(app: AppID, code: AppCode, codeHash: String, savedAt: Timestamp) {
    self.app = app
    number = 0
    self.code = code
    self.codeHash = codeHash
    status = .saved
    self.savedAt = savedAt
  }
}

/// A published version: never changed again.
package struct AppVersionRecord: Sendable, Hashable {
  package var app: AppID
  package var version: AppVersion
  package var code: AppCode
  package var codeHash: String
  package var image: AppImage
  /// What the app was set to when it was published.
  package var configuration: AppConfiguration
  package var publishedAt: Timestamp
}

/// One compile of a draft; its log is the list of events under its id.
package struct CompileRecord: Sendable, Hashable {
  package var id: DeployID
  package var app: AppID
  package var draft: Int64
  package var build: BuildID?
  package var completedAt: Timestamp?
}

/// One asynchronous call of an app.
package struct ExecutionRecord: Sendable, Hashable {
  package enum Status: String, Sendable, Hashable { case running, succeeded, failed }

  package var id: ExecutionID
  package var app: AppID
  /// The organisation that called: the only one that may see it, besides the app's own.
  package var caller: OrganizationName
  package var status: Status
  package var statusCode: Int?
  package var output: [UInt8]
  package var error: String?
  package var createdAt: Timestamp
  package var completedAt: Timestamp?

  package init(id: ExecutionID, app: AppID, caller: OrganizationName, createdAt: Timestamp) {
    self.id = id
    self.app = app
    self.caller = caller
    status = .running
    output = []
    self.createdAt = createdAt
  }
}
