import Foundation
import OCI
import TestSupport
import Testing

/// What people write, in the shapes they write it, built by buildah too. `-` is ours, `+` is buildah's.
@Suite("Dockerfiles of every day, beside buildah's images")
struct EverydayTests {
  /// Dockerfile lines after `FROM $BASE AS first`.
  static let cases: [(name: String, lines: String, differences: [String])] = [
    (
      "continued lines",
      """
      RUN echo a && \\
      # a comment
          # one further in \\
          echo b \\

          && echo c > /x && \\
      \techo d >> /x
      RUN echo "trailing \\
        blanks   " > /z
      RUN echo 'no \\ mark' > /q
      RUN printf '%s\\n' a\\
      b\\
       c > /w
      \tRUN\techo tabs > /t
      run echo small > /s
      """, []
    ),
    (
      "values",
      """
      ENV a=1 b=$a
      ENV a=2 b=${a}x c=${b:-q} d="$a $b" e='$a' f=\\$a
      ENV g h i   j
      ENV p=${a:+set} q=${zz:+set} r=${zz:-${a}} s="quo\\"ted" t=it\\'s u=a\\ b
      RUN echo "$a,$b,$c,$d,$e,$f,$g,$p,$q,$r,$s,$t,$u" > /values
      LABEL l1="$d" 'l 2'=x l3=a\\ b "l4"="several \\
      lines" l5="x\\"y" l6='s"q' l7=$HOME
      WORKDIR /w/$a
      WORKDIR ${b}
      RUN pwd > /pwd
      EXPOSE $a 80/tcp 53/udp
      VOLUME /v$a /x
      VOLUME ["/j $a", "/k"]
      STOPSIGNAL $a
      USER ${a}:$a
      CMD echo $a
      HEALTHCHECK --interval=1m --timeout=3s --start-period=5s --retries=4 CMD ["/bin/true", "a b"]
      """, []
    ),
    (
      "directories",
      """
      RUN mkdir -p /real/sub && ln -s real /link && ln -s ../real/sub /tmp/l2
      WORKDIR /link/new
      RUN pwd > /p1
      WORKDIR /tmp/l2/x
      RUN pwd > /p2 && touch here
      WORKDIR ..
      RUN pwd > /p3
      WORKDIR ./a/../b
      RUN pwd > /p4
      USER builder
      WORKDIR /home/deep/er
      RUN touch f
      WORKDIR /
      WORKDIR rel
      COPY file .
      """, []
    ),
    (
      "links on the way",
      """
      RUN mkdir -p /t/real /t2 && ln -s real /t/ld && ln -s /t/real /t/la && ln -s nowhere /t/dang && ln -s loop /t/loop \\
        && ln -s ../../../../t/real /t/up && echo old > /t/real/file
      COPY file /t/ld
      COPY tool /t/la/
      COPY file /t/up/x
      COPY links /t/ld
      COPY links /t2/new/
      """, []
    ),
    (
      "from a stage, with all that a file can be",
      """
      RUN mkdir -p /s/d && echo 1 > /s/a && ln /s/a /s/b && ln /s/a /s/d/c && ln -s /s/a /s/abs && ln -s ../s/d /s/dir \\
        && chmod 4755 /s/a && mkfifo /s/fifo && truncate -s 10M /s/sparse && chown 70000:80000 /s/d && chmod 1777 /s/d \\
        && echo x > /s/.hid
      FROM $BASE
      COPY --from=first /s /t
      COPY --from=first /s/a /s/b /u/
      COPY --from=first /s/dir /dir1
      COPY --from=first /s/dir/ /dir2/
      COPY --from=first /s/abs /abs
      COPY --from=first /s/* /star/
      COPY --from=first --chmod=700 /s/d /cm
      COPY --from=first --chown=builder /s/d /co
      COPY --from=0 /bin/busybox /bin/sh /two/
      COPY --from=0 /s/sparse /etc/passwd /misc/
      """, []
    ),
    (
      "one kind in another's place",
      """
      RUN mkdir -p /o/a/b /p && echo 1 > /o/a/1 && echo 2 > /o/a/b/2 && echo 3 > /o/3 && ln -s o /lo
      RUN rm -rf /o && mkdir -p /o/a && echo n > /o/a/n
      COPY file /o/3
      RUN rm /o/3 && mkdir /o/3 && echo in > /o/3/in && rm -rf /p && ln -s /etc /p
      COPY file /o/a/b/2
      RUN mv /o /o2 && mkdir /o && mv /o2/a /o/a2 && rm -rf /o2
      RUN rm /p && echo x > /p && chmod 4711 /p && chown 9:9 /p
      RUN rm -rf /bin/vi /bin/ed && cp /bin/busybox /bin/ed && rm -rf /home && touch /home
      """, []
    ),
    (
      "owners and modes of what is there",
      """
      RUN mkdir -m 750 /have && chown 3:4 /have
      COPY --chmod=0640 dir /have
      COPY --chmod=755 --chown=1:2 dir/ /new
      COPY dir/sub /have/sub
      COPY dir /have/sub
      COPY dir/in file /list/
      COPY dir/in /list
      WORKDIR have
      COPY file ./
      COPY file ../up/
      COPY file q
      COPY ./dir/./sub/../in dot
      """, []
    ),
    (
      "names that are patterns", "COPY [\"a name\", \"/n/\"]\nCOPY g*[0-9].x /g/\nCOPY [a-c]y .dot* /h/\nCOPY a*b /s/",
      []
    ),
    ("the context as it is", "COPY . /all", []),
    (
      "archives below each other",
      """
      RUN mkdir -m 700 /d && mkdir -m 1770 /d/sub && echo old > /d/z && ln -s /etc /d/l
      ADD x.tar /d
      ADD x.tar x.tar.gz file /f/
      ADD empty.tar /h
      ADD text.tar /i
      """, []
    ),
    (
      "a program of node",
      """
      # Set up first
      WORKDIR /usr/src/app
      FROM first as deps
      RUN --mount=type=bind,source=file,target=/usr/src/app/package.json --mount=type=cache,target=/root/.npm \\
          mkdir node_modules && cp package.json node_modules/
      FROM deps as build
      COPY . .
      RUN mkdir -p dist && \\
          # all in one
          cat file dir/in > dist/bundle.js \\
          ; ls -la > /dev/null
      FROM first as final
      ENV NODE_ENV production
      USER builder
      COPY file .
      COPY --from=deps /usr/src/app/node_modules ./node_modules
      COPY --from=build --chown=builder:builders /usr/src/app/dist ./dist
      EXPOSE 3000
      CMD npm start
      """, []
    ),
    (
      "a program of Python",
      """
      ENV PYTHONUNBUFFERED=1 \\
          # inside
          PATH="/opt/venv/bin:$PATH"
      ARG PY=3.12
      RUN mkdir -p /opt/venv/bin /opt/venv/lib/python${PY}/site-packages && \\
          ln -s /bin/sh /opt/venv/bin/python3 && ln -s python3 /opt/venv/bin/python && ln -s lib /opt/venv/lib64
      COPY *.x tool* /src/
      FROM $BASE
      COPY --from=first /opt/venv /opt/venv
      COPY --from=first /opt/venv/bin/python /usr/local/bin/py
      ENV PATH=/opt/venv/bin:$PATH LANG=C.UTF-8
      COPY --chown=1000:1001 --from=first /src /home/app/
      USER builder:builders
      ENTRYPOINT [ "python", "-m", "app" ]
      CMD ["--port", "80"]
      HEALTHCHECK --interval=5m --timeout=3s \\
        CMD curl -f http://localhost/ || exit 1
      """, []
    ),
    (
      "triggers of every kind",
      """
      ONBUILD ARG A=1
      ONBUILD ENV E=$A
      ONBUILD WORKDIR /w
      ONBUILD COPY --chown=7:8 fil* ./
      ONBUILD RUN echo "$A $E" > out
      ONBUILD LABEL x="a b" y=$E
      ONBUILD EXPOSE 80
      ONBUILD CMD ["x"]
      ONBUILD ADD x.tar /t/
      ONBUILD HEALTHCHECK CMD true
      ONBUILD ENTRYPOINT echo $A
      ONBUILD USER builder
      FROM 0 AS mid
      RUN pwd > /tmp/pwd
      FROM mid
      RUN id -u > /tmp/u
      """, []
    ),
  ]

  @Test("are the same in every path and setting")
  func same() async throws {
    try await Kitchen.run { kitchen in
      try await BuildahTests.fill(kitchen.folder)
      let script = """
        set -e
        cd app; rm .dockerignore
        for name in g1.x g12.x gx.x ay by dy .dot .dotty 'a*b' aXb; do echo "$name" > "$name"; done
        python3 -c 'import os
        open(b"raw\\xff\\xfe", "w").write("x"); open("l" * 255, "w").write("l")'
        tar -cf empty.tar -T /dev/null; echo text > text.tar
        """
      let made = try await Tool("/bin/sh").run(["-c", script], in: kitchen.folder.path)
      try #require(made.status == 0, "\(made.all)")
      try await BuildahTests.compare(Self.cases, in: kitchen)
    }
  }

  @Test("read the same with the line ends and the byte order mark of Windows")
  func windows() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("x", to: "app/file")
      let text = """
        # syntax=docker/dockerfile:1
        FROM busybox

        RUN echo one \\
           two > /x
        ENV A="b c" \\
          D=e
        RUN printf "%s" "$A-$D" > /y && test "$(cat /x)" = "one two"
        LABEL q="a \\"b\\" c"
        COPY file \\
          /z
        """
      let image = try await kitchen.image("\u{FEFF}" + text.replacingOccurrences(of: "\n", with: "\r\n") + "\r\n")
      #expect(image.config.config?.labels == ["q": "a \"b\" c"])
      #expect(try await image.layers[2].text("y") == "b c-e")
      #expect(image.layers[3].entries == ["-rw-r--r-- 0/0 z"])
    }
  }
}
