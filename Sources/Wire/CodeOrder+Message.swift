import API
import FoundationEssentials
import Service

extension CodeOrder {
  /// The code as a message carries it; an `image` without a source counts as no code.
  package init(_ message: Dodil_Ignite_V1_CodeSource) {
    switch message.source {
    case nil: self = .missing
    case .compile: self = .runtime
    case .image(let image):
      switch image.source {
      case nil: self = .missing
      case .prebuilt(let prebuilt):
        self = .prebuilt(reference: prebuilt.imageRef, secret: prebuilt.registrySecretRef)
      case .fromCode(let code):
        self = .archive(Array(code.archive), dockerfile: code.dockerfilePath, arguments: code.buildArgs)
      case .fromGit(let git):
        self = .git(
          url: git.url, reference: git.reference, directory: git.subPath, dockerfile: git.dockerfilePath,
          secret: git.secretRef, arguments: git.buildArgs)
      }
    }
  }
}

extension InvokeOrder {
  package init(_ message: Dodil_Ignite_V1_InvokeRequest) {
    self.init(message.organizationName, message.appName, message.http, message.body)
  }

  package init(_ message: Dodil_Ignite_V1_TestDraftRequest) {
    self.init(message.organizationName, message.appName, message.http, message.body)
  }

  private init(_ organization: String, _ app: String, _ http: Dodil_Ignite_V1_HttpContext, _ body: Data) {
    self.init(
      organization: organization, app: app, method: http.method, path: http.path, query: http.query,
      headers: http.headers, body: Array(body))
  }
}
