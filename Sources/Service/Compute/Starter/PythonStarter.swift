import Diagnostics

/// requirements.txt or pyproject.toml.
enum PythonStarter {
  static func dockerfile(_ source: StarterSource) throws(Failure) -> StarterDockerfile? {
    guard let file = source.first(["requirements.txt", "pyproject.toml"]) else { return nil }
    let wanted = (source.read(file) ?? "").lowercased()
    let start = try start(source, file, wanted)
    let extra = start.server.filter { !wanted.contains($0) }.map { " " + $0 }.joined()
    let pip = "RUN --mount=type=cache,target=/root/.cache/pip pip install --root-user-action=ignore"
    let install =
      file == "requirements.txt"
      ? "COPY requirements.txt ./\n\(pip) -r requirements.txt\(extra)\nCOPY . ."
      : "COPY . .\n\(pip) .\(extra)"
    let body = """
      ARG PYTHON_VERSION=3.13
      FROM python:${PYTHON_VERSION}-slim
      WORKDIR /app
      \(install)
      RUN install -d -o 65532 -g 65532 /tmp/ignite
      ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
      """
    return StarterDockerfile(.python, because: "\(file) is there, and \(start.why)", body, start.command)
  }

  private struct Start {
    var command: StarterCommand
    var why: String
    /// What serves the app, installed where the app does not ask for it.
    var server: [String] = []
  }

  private static func start(
    _ source: StarterSource, _ file: String, _ wanted: String
  ) throws(Failure) -> Start {
    if let command = source.procfile { return Start(command: command, why: "the Procfile says what to run") }
    let entry = source.first(["main.py", "app.py", "server.py", "wsgi.py", "asgi.py"])
    guard let entry else {
      throw StarterDockerfile.incomplete(
        "\(file) is there, but neither main.py, app.py, server.py, wsgi.py, asgi.py nor a Procfile",
        "say what to run by a Procfile with a line 'web: COMMAND'")
    }
    let module = entry.dropLast(3)
    let asgi = ["fastapi", "starlette", "litestar"].first { wanted.contains($0) }
    if let asgi {
      let line = "uvicorn \(module):app --host 0.0.0.0 --port $PORT"
      return Start(
        command: StarterCommand(["sh", "-c", "exec " + line]), why: "it asks for \(asgi), with \(entry) beside it",
        server: ["uvicorn"])
    }
    let wsgi = ["flask", "bottle", "falcon"].first { wanted.contains($0) }
    if let wsgi {
      let line = "gunicorn --bind 0.0.0.0:$PORT --worker-tmp-dir /tmp/ignite \(module):app"
      return Start(
        command: StarterCommand(["sh", "-c", "exec " + line]), why: "it asks for \(wsgi), with \(entry) beside it",
        server: ["gunicorn"])
    }
    return Start(command: StarterCommand(["python", entry]), why: "\(entry) beside it")
  }
}
