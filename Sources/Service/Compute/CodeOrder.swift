import Storage

/// What a caller says an app is made of, before anything was checked: the contract's CodeSource.
package enum CodeOrder: Sendable {
  case missing
  /// `code.compile`: source code that the platform has a runtime for.
  case runtime
  case prebuilt(reference: String, secret: String)
  case archive([UInt8], dockerfile: String, arguments: [String: String])
  case git(
    url: String, reference: String, directory: String, dockerfile: String, secret: String, arguments: [String: String])
}

/// What a caller says of a call to an app.
package struct InvokeOrder: Sendable {
  package var organization: String
  package var app: String
  package var method: String
  package var path: String
  package var query: String
  package var headers: [String: String]
  package var body: [UInt8]

  package init(
    organization: String, app: String, method: String, path: String, query: String, headers: [String: String],
    body: [UInt8]
  ) {
    self.organization = organization
    self.app = app
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }
}

/// What UpdateAppConfig changes: what is nil or empty stays as it is, but for `environment`, which is replaced whole
/// when it carries something (contract §1.2).
package struct AppChange: Sendable {
  package var tier: AppTier?
  package var description: String?
  package var environment: [String: String] = [:]
  package var limits: (memory: UInt32, cpu: UInt32, timeoutSeconds: UInt64)?
  package var scaling: (maximum: UInt32, reserved: UInt32)?
  package var ports: [UInt32] = []
  package var healthPath: String?
  package var speaksMCP: Bool?
  package var maximumConcurrency: UInt32?
  package var allowsAnonymous: Bool?

  package init() {}
}
