import AsyncHTTPClient
import Diagnostics
import NIOCore
import NIOHTTP1
import NIOSSL

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Failure {
  /// What went wrong on the way to or from a server, with its name and port and nothing secret.
  static func outbound(_ error: any Error, url: OutboundURL, address: String? = nil) -> Failure {
    if let failure = error as? Failure { return failure }
    if error is CancellationError {
      return Failure(.cancelled, reason: "cancelled", "the request to '\(url.origin)' was cancelled")
    }
    let server = "'\(url.origin)'" + (address.map { $0 == url.host ? "" : " (\($0))" } ?? "")
    if let error = error as? HTTPClientError { return http(error, server: server) }
    if let error = error as? IOError { return system(error.errnoCode, server: server) }
    if let error = error as? ChannelError, case .connectTimeout = error { return http(.connectTimeout, server: server) }
    if let error = error as? HTTPParserError, error == .invalidEOFState {
      return http(.remoteConnectionClosed, server: server)
    }
    if error is ChannelError { return http(.remoteConnectionClosed, server: server) }
    let words = String(describing: error)
    if isAboutTLS(error) { return transportSecurity(words, server: server, url: url) }
    return Failure(
      .unavailable, reason: "outbound-protocol", "server \(server) did not answer in HTTP",
      hint: "check the address and the port", cause: String(words.prefix(300)))
  }

  /// A body longer than was agreed.
  static func outboundTooLarge(_ limit: ByteCount) -> Failure {
    Failure(
      .resourceExhausted, reason: "outbound-too-large", "the answer is larger than \(limit)",
      hint: "check that the address is the right one")
  }

  private static func http(_ error: HTTPClientError, server: String) -> Failure {
    switch error {
    case .cancelled, .requestStreamCancelled:
      Failure(.cancelled, reason: "cancelled", "the request to \(server) was cancelled")
    case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout:
      Failure(
        .unavailable, reason: "outbound-timeout", "server \(server) did not accept a connection in time",
        hint: "check the address, the port and the firewalls between")
    case .readTimeout, .writeTimeout:
      Failure(
        .unavailable, reason: "outbound-timeout", "server \(server) fell silent", hint: "try again later")
    case .remoteConnectionClosed, .uncleanShutdown:
      Failure(
        .unavailable, reason: "outbound-closed",
        "server \(server) closed the connection before its answer was complete",
        hint: "try again later")
    case .invalidProxyResponse, .proxyAuthenticationRequired, .socksHandshakeTimeout, .httpProxyHandshakeTimeout:
      Failure(
        .unavailable, reason: "outbound-proxy", "the proxy did not open a way to \(server)",
        hint: "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the server's environment", cause: error.shortDescription)
    default:
      // Never the description: it may hold the values of headers.
      Failure(
        .unavailable, reason: "outbound-protocol", "the exchange with \(server) failed", cause: error.shortDescription)
    }
  }

  private static func system(_ number: CInt, server: String) -> Failure {
    let cause = String(cString: strerror(number))
    switch number {
    case ECONNREFUSED:
      return Failure(
        .unavailable, reason: "outbound-refused", "nothing listens at \(server)",
        hint: "check the address and the port, and that the server runs", cause: cause)
    case ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EACCES, EPERM:
      return Failure(
        .unavailable, reason: "outbound-unreachable", "server \(server) cannot be reached from here",
        hint: "check the network of this machine", cause: cause)
    case ETIMEDOUT: return http(.connectTimeout, server: server)
    default:
      return Failure(
        .unavailable, reason: "outbound-closed", "the connection to \(server) broke", hint: "try again later",
        cause: cause)
    }
  }

  private static func isAboutTLS(_ error: any Error) -> Bool {
    error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError || error is NIOSSLCloseTimedOutError
  }

  private static func transportSecurity(_ words: String, server: String, url: OutboundURL) -> Failure {
    let (message, hint): (String, String?) =
      if words.contains("CERTIFICATE_VERIFY_FAILED") {
        (
          "the certificate of \(server) is not signed by an authority that is trusted here, or has expired",
          "name a PEM file with its authority in SSL_CERT_FILE"
        )
      } else if words.contains("failedToValidateHostname") || words.contains("unableToValidateCertificate") {
        ("the certificate of \(server) is for another name", "use the name that the certificate holds")
      } else if words.contains("WRONG_VERSION_NUMBER") || words.contains("HTTP_REQUEST") {
        ("server \(server) does not speak TLS", "use 'http://' if it is meant to be plain")
      } else if words.contains("CERTIFICATE_REQUIRED") || words.contains("BAD_CERTIFICATE") {
        ("server \(server) asks for a client certificate", "give one that the server trusts")
      } else {
        ("no TLS connection to \(server)", nil)
      }
    return Failure(
      .unavailable, reason: "outbound-tls", message, hint: hint, cause: String(words.prefix(300)))
  }
}
