#!/bin/sh
# What busybox httpd runs for a call of "/": says the greeting, and what it was sent.
printf 'content-type: text/plain\r\n\r\n'
cat /srv/greeter/greeting.txt
[ "$REQUEST_METHOD" != POST ] || { printf 'you sent: '; head -c "${CONTENT_LENGTH:-0}"; echo; }
