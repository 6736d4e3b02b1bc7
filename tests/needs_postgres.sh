#!/usr/bin/env bash
# The store's contract also runs on a real PostgreSQL: install Debian's package where we may.
set -eu
if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Debian's postgresql for the store's tests …"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
else
  echo "note: no PostgreSQL here (initdb not found): its tests are skipped. hint: apt install postgresql" >&2
fi
