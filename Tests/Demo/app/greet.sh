#!/bin/sh
exec cat /srv/greeter/greeting.txt
