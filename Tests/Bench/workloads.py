"""The contexts that are built: the same bytes on every machine, each stressing one thing."""
import pathlib
import random
from dataclasses import dataclass, field

WORDS = ("amber birch cedar delta ember flint grove heath inlet juniper kelp larch maple north ochre pine quartz reed "
         "slate thorn umber vale willow yarrow").split()


@dataclass
class Workload:
    name: str
    """What the base is called on the shelf."""
    base: str
    dockerfile: str
    """Writes everything but the Dockerfile into the folder."""
    fill: callable = lambda folder: None
    """The file that the mode `changed` rewrites; None where the whole of the context is one file, or none."""
    changes: str | None = None
    modes: tuple = field(default=("cold", "warm", "rebuild", "changed"))

    def make(self, folder, shelf):
        folder.mkdir(parents=True)
        self.fill(folder)
        (folder / "Dockerfile").write_text(self.dockerfile.replace("SHELF", shelf))

    def change(self, folder, number):
        path = folder / self.changes
        path.write_text(f"/* change {number} */\n{path.read_text()}")


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def prose(source, size):
    """About `size` bytes that compress as source code does."""
    text = []
    while size > 0:
        line = " ".join(f"{source.choice(WORDS)}{source.randrange(1000)}" for _ in range(source.randrange(3, 12))) + "\n"
        text.append(line[:size])
        size -= len(line)
    return "".join(text)


def sources(folder):
    for i in range(20):
        put(folder / f"src/part{i}.c", f"int part{i}(int n) {{ int sum = n; for (int i = 0; i < {1000 + i}; i++) "
                                       f"sum = sum * 33 + i; return sum; }}\n")
    calls = "\n".join(f"  sum ^= part{i}(sum);" for i in range(20))
    put(folder / "src/main.c", "#include <stdio.h>\n" + "\n".join(f"int part{i}(int);" for i in range(20))
        + f"\nint main(void) {{\n  int sum = 1;\n{calls}\n  printf(\"%d\\n\", sum);\n}}\n")


def many(folder, count=20_000):
    source = random.Random(20_000)
    for i in range(count):
        put(folder / f"tree/d{i // 100:03}/f{i % 100:02}.txt", prose(source, source.choice((120, 400, 900, 2000, 6000))))


def large(folder, mebibytes=1024):
    source = random.Random(1024)
    with open(folder / "blob.bin", "wb") as file:
        for _ in range(mebibytes):
            file.write(source.randbytes(1 << 20))


def app(folder):
    source = random.Random(1200)
    for i in range(1000):
        put(folder / f"deps/p{i // 50:02}/m{i % 50:02}.js", prose(source, 1500))
    for i in range(200):
        put(folder / f"src/s{i:03}.js", prose(source, 2500))
    put(folder / "deps.lock", "lock 1\n")


WORKLOADS = [
    Workload("trivial", "busybox", "FROM SHELF/busybox:latest\nCOPY hello.txt /\nCMD [\"cat\", \"/hello.txt\"]\n",
             lambda folder: put(folder / "hello.txt", "hello\n"), changes="hello.txt"),
    Workload("runs", "debian", "FROM SHELF/debian:latest\n" + "".join(
        f"RUN echo {i} > /srv/{i}.txt\n" for i in range(20)), modes=("cold", "warm", "rebuild")),
    Workload("compile", "gcc", """FROM SHELF/gcc:latest AS build
WORKDIR /src
COPY src/ .
RUN gcc -O2 -static -o /out.bin *.c && strip /out.bin
FROM scratch
COPY --from=build /out.bin /app
ENTRYPOINT ["/app"]
""", sources, changes="src/part7.c"),
    Workload("files", "busybox", "FROM SHELF/busybox:latest\nCOPY tree/ /tree/\n", many, changes="tree/d100/f50.txt"),
    Workload("large", "busybox", "FROM SHELF/busybox:latest\nCOPY blob.bin /blob.bin\n", large,
             modes=("cold", "warm", "rebuild")),
    Workload("app", "debian", """FROM SHELF/debian:latest
ENV APP=/app
RUN useradd -m app
RUN mkdir -p /app /var/cache/app
WORKDIR /app
COPY deps.lock .
RUN sha256sum deps.lock > /var/cache/app/lock.sum
COPY deps/ deps/
RUN cat deps/*/*.js > deps.bundle && sha256sum deps.bundle > deps.sum
COPY src/ src/
RUN cat src/*.js > app.bundle && sha256sum app.bundle > app.sum
USER app
CMD ["cat", "/app/app.sum"]
""", app, changes="src/s100.js"),
]
SAID = {
    "trivial": "COPY of one file", "runs": "20 one-line RUNs on Debian", "compile": "COPY, gcc, COPY --from to scratch",
    "files": "COPY of 20,000 files", "large": "COPY of 1 GiB that does not compress",
    "app": "10 steps, 1,200 files, two RUNs over them",
}
