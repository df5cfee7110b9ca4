"""Base images made of this machine's own Debian packages, so that nothing is fetched."""
import os
import pathlib
import re
import shutil
import subprocess


def closure(names):
    """The installed packages among `names` and everything they depend on."""
    listed = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${db:Status-Status}\t${Provides}\t${Pre-Depends}, ${Depends}\n"],
                            capture_output=True, text=True, check=True).stdout
    needs, providers = {}, {}
    for line in listed.splitlines():
        package, status, provides, depends = line.split("\t")
        if status != "installed":
            continue
        needs[package] = words(depends)
        for provided in words(provides):
            providers.setdefault(provided, package)
    wanted, found = list(names), set()
    while wanted:
        name = wanted.pop()
        package = name if name in needs else providers.get(name)
        if package and package not in found:
            found.add(package)
            wanted += needs[package]
    return found


def words(field):
    """The first alternative of each dependency, without versions and architectures."""
    return [match.group() for part in field.split(",") if (match := re.match(r"[a-z0-9][a-z0-9+.-]*", part.strip()))]


def important():
    listed = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Priority} ${Essential}\n"], capture_output=True,
                            text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if re.search(r" (required|important)| yes$", line)]


def debian(archive, extra=(), limit=None):
    """Packs what a small Debian and the `extra` packages hold, under the paths the files really have."""
    packages = sorted(closure([*important(), *extra]))
    listed = subprocess.run(["dpkg-query", "-L", *packages], capture_output=True, text=True, check=True).stdout
    paths = set()
    for line in listed.splitlines():
        if not line.startswith("/") or line.startswith("/usr/share/doc/") or line.startswith("/usr/share/man/"):
            continue
        # Package lists say /bin/sh where /bin is a link to usr/bin.
        place = pathlib.Path(os.path.realpath(os.path.dirname(line)), os.path.basename(line))
        if place.is_symlink() or place.is_file():
            paths.add(str(place).lstrip("/"))
    for link in pathlib.Path("/").glob("*"):
        if link.is_symlink() and os.readlink(link).startswith("usr/"):
            paths.add(link.name)
    # Made by the packages' scripts, and by no list.
    for made in ("etc/passwd", "etc/group", "etc/shadow", "etc/ld.so.cache", "etc/alternatives"):
        if os.path.lexists("/" + made):
            paths.add(made)
    names = archive.with_suffix(".names")
    names.write_text("\n".join(sorted(paths)) + "\n")
    subprocess.run(["tar", "-C", "/", "--numeric-owner", "--one-file-system", "-cf", archive, "-T", names], check=True)
    # Folders that are empty, or whose modes matter, come last.
    place = archive.parent / "folders"
    for folder, mode in (("tmp", 0o1777), ("srv", 0o755), ("proc", 0o555), ("sys", 0o555), ("dev", 0o755), ("root", 0o700),
                         ("run", 0o755), ("home", 0o755), ("var/tmp", 0o1777)):
        (place / folder).mkdir(parents=True, exist_ok=True)
        (place / folder).chmod(mode)
    subprocess.run(["tar", "-C", place, "--numeric-owner", "--owner=0", "--group=0", "-rf", archive,
                    "tmp", "srv", "proc", "sys", "dev", "root", "run", "home", "var"], check=True)
    shutil.rmtree(place)
    return archive


def busybox(archive):
    root = archive.parent / "busybox"
    for folder in ("bin", "etc", "tmp", "root"):
        (root / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for applet in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True).stdout.split():
        if applet != "busybox":
            os.link(root / "bin/busybox", root / "bin" / applet)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    subprocess.run(["tar", "--numeric-owner", "--owner=0", "--group=0", "-C", root, "-cf", archive, "."], check=True)
    shutil.rmtree(root)
    return archive


MAKERS = {"busybox": busybox, "debian": debian, "gcc": lambda archive: debian(archive, ("gcc", "libc6-dev", "binutils"))}
