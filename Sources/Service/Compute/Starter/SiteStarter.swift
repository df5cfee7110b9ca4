/// index.html and nothing that runs.
enum SiteStarter {
  static func dockerfile(_ source: StarterSource) -> StarterDockerfile? {
    guard source.names.contains("index.html") else { return nil }
    let body = """
      FROM busybox:stable
      WORKDIR /site
      COPY . .
      RUN [ -e healthz ] || echo ok > healthz; mkdir -p /tmp/ignite && chown 65532:65532 /tmp/ignite
      """
    return StarterDockerfile(
      .site, because: "index.html is there and nothing that would run", body,
      StarterCommand(["sh", "-c", "exec httpd -f -p $PORT -h /site"]))
  }
}
