import Foundation

/// ComputeService's paths, as the contract prints them.
enum ComputePath {
  private static let app = "/v1/ignite/app/{organizationName}/{appName}"

  static let all: [String: String] = [
    "CreateApp": "POST /v1/ignite/app/{organizationName}", "ListApps": "GET /v1/ignite/app/{organizationName}",
    "GetApp": "GET " + app, "UpdateAppConfig": "PATCH \(app)/config", "DeleteApp": "DELETE " + app,
    "GetAppState": "GET \(app)/state", "SaveDraft": "POST \(app)/draft", "GetDraftInfo": "GET \(app)/draft",
    "CompileDraft": "POST \(app)/draft/compile", "StreamCompileLogs": "GET /v1/ignite/compile/{deployId}/logs",
    "TestDraft": "POST \(app)/draft/test", "PublishDraft": "POST \(app)/draft/publish",
    "ListAppVersions": "GET \(app)/versions", "GetAppVersion": "GET \(app)/versions/{version}",
    "RollbackApp": "POST \(app)/rollback", "Invoke": "POST \(app)/invoke", "InvokeAsync": "POST \(app)/invoke-async",
    "GetExecution": "GET /v1/ignite/executions/{executionId}",
    "WatchExecution": "GET /v1/ignite/executions/{executionId}/watch", "GetAppLogs": "GET \(app)/logs",
    "StreamAppLogs": "GET \(app)/logs/stream", "GetBuildLog": "GET \(app)/builds/{buildId}/log",
    "HealthCheck": "GET /v1/ignite/health",
  ]

  /// Method and path of a call; what is neither in the path nor in a body is the query.
  static func target(_ rpc: String, _ request: JSON) -> (method: String, path: String)? {
    guard let parts = all[rpc]?.split(separator: " ").map(String.init) else { return nil }
    var path = parts[1]
    var query: [String] = []
    for (name, value) in request.object {
      let text = encoded(value.string ?? value.text)
      if path.contains("{\(name)}") {
        path = path.replacingOccurrences(of: "{\(name)}", with: text)
      } else {
        query.append("\(name)=\(text)")
      }
    }
    let isReading = parts[0] == "GET" && !query.isEmpty
    return (parts[0], isReading ? path + "?" + query.joined(separator: "&") : path)
  }

  private static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
  }
}
