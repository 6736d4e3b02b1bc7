#!/usr/bin/env bash
# The dashboard is tested in a real browser: install Debian's Chromium where we may.
set -eu
if command -v chromium >/dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Debian's chromium for the dashboard's tests …"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
else
  echo "note: no Chromium here: the tests of the dashboard in a browser are skipped. hint: apt install chromium" >&2
fi
