#!/usr/bin/env python3
"""An HTTP proxy on loopback that leads every host to one port of this machine: `proxy.py PORT`.

Prints its own port and then one line for each request it is asked: METHOD TARGET. Takes CONNECT and whole URLs; asks for
"Proxy-Authorization: Basic dTpw" (u:p) and ends with its standard input."""
import socket
import socketserver
import sys
import threading

target = int(sys.argv[1])


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Handler(socketserver.StreamRequestHandler):
    rbufsize = 0  # What follows the head stays in the socket, to be copied.

    def handle(self):
        line = self.rfile.readline().decode()
        method, asked, version = line.split()
        heads = []
        while (head := self.rfile.readline()) not in (b"\r\n", b""):
            heads.append(head)
        print(method, asked, flush=True)
        if not any(head.lower() == b"proxy-authorization: basic dtpw\r\n" for head in heads):
            self.wfile.write(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", target)) as other:
            if method == "CONNECT":
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                path = "/" + asked.split("/", 3)[3]
                other.sendall(f"{method} {path} {version}\r\n".encode() + b"".join(heads) + b"\r\n")
            back = threading.Thread(target=copy, args=(other, self.connection))
            back.start()
            copy(self.connection, other)
            back.join()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
