#!/usr/bin/env python3
"""Signs a token that ended an hour ago with the key of a data directory: expired_token.py KEY-FILE ORGANISATION."""
import base64
import hashlib
import hmac
import json
import pathlib
import sys
import time


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


key = pathlib.Path(sys.argv[1]).read_bytes() + b"kindling tokens"
now = int(time.time())
claims = {"iss": "kindling", "sub": "late", "iat": now - 7200, "exp": now - 3600,
          "organization": {sys.argv[2]: {"id": "1"}}}
text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
print((text + b"." + part(hmac.new(key, text, hashlib.sha256).digest())).decode())
