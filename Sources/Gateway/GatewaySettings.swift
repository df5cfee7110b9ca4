import Runner

/// What the house decides about its HTTP door.
package struct GatewaySettings: Sendable {
  /// The server's own version, as in every response's `kindling-version`.
  package var version: String
  /// Host names the server answers to besides localhost and addresses; `*` allows every one.
  package var allowedHosts: [String]
  /// Whether registry clients must log in; without it, whoever reaches the listener may pull and push.
  package var registryAuthRequired: Bool
  /// Whether the page gets a token without asking, and the token endpoint takes any secret. False as soon as others than this machine's own people have RUNs
  /// here: those reach the door over loopback too.
  package var offersSession: Bool
  /// Whether others than this machine's own people reach the server: then the queue is the default organisation's to
  /// pause and to size.
  package var isShared: Bool
  /// Whether blobs may leave by sendfile(2). False as soon as something encrypts what is written to the socket.
  package var sendsFilesDirectly: Bool
  /// Hosts below it are apps', and none of the gateway's own.
  package var appDomain: AppDomain?
  /// Time between signs of life on silent event streams.
  package var heartbeat: Duration

  package init(
    version: String,
    allowedHosts: [String] = [],
    registryAuthRequired: Bool = false,
    offersSession: Bool = true,
    isShared: Bool = false,
    sendsFilesDirectly: Bool = true,
    appDomain: AppDomain? = nil,
    heartbeat: Duration = .seconds(15)
  ) {
    self.version = version
    self.allowedHosts = allowedHosts
    self.registryAuthRequired = registryAuthRequired
    self.offersSession = offersSession
    self.isShared = isShared
    self.sendsFilesDirectly = sendsFilesDirectly
    self.appDomain = appDomain
    self.heartbeat = heartbeat
  }
}
