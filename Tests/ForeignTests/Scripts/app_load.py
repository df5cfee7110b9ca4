"""Calls an app by its host name over keep-alive connections until its standard input ends; prints what went wrong.

Arguments: port, host name, threads. Standard input: `only VERSION` says which version may answer from now on, `any`
that a switch begins. Prints one JSON object: calls, failures (the first ten), versions."""
import http.client
import json
import sys
import threading

port, host, threads = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
lock = threading.Lock()
over = threading.Event()
state = {"only": None, "calls": 0, "failures": [], "versions": {}}


def call(connection, method):
    only = state["only"]
    body = b"x" * 1000 if method == "POST" else None
    connection.request(method, "/echo" if body else "/", body=body, headers={"Host": host})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        return f"{method}: {answer.status} {text[:300]}"
    if body:
        return None if text == body.decode() else f"another body of {len(text)} bytes"
    version = int(text.strip().rsplit(" ", 1)[-1])
    with lock:
        state["versions"][version] = state["versions"].get(version, 0) + 1
    # A switch that began meanwhile may already have come to this call.
    wrong = only is not None and only == state["only"] and version != only
    return f"version {version} answered when {only} was active" if wrong else None


def run(number):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    turn = number
    while not over.is_set():
        turn += 1
        try:
            wrong = call(connection, "POST" if turn % 3 == 0 else "GET")
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
            connection.close()
        with lock:
            state["calls"] += 1
            if wrong and len(state["failures"]) < 10:
                state["failures"].append(wrong)


workers = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
for worker in workers:
    worker.start()
for line in sys.stdin:
    state["only"] = None if line.strip() == "any" else int(line.split()[-1])
over.set()
for worker in workers:
    worker.join()
print(json.dumps({k: state[k] for k in ("calls", "failures", "versions")}), flush=True)
