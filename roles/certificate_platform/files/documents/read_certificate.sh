# shellcheck shell=sh disable=SC2329 # functions are handed to others by name
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Report what lies at the paths of a record and what its TLS endpoint serves. Changes nothing.

# shellcheck source=common.sh
. "${0%/*}/common.sh"

handle() {
  settings "$@"
  shift 11
  tls_endpoint=$1 server_name=$2
  need_tools
  certificate=$root$cert_path/$host_id.crt
  key=$root$key_path/$host_id.key
  chain=$root$cacert_path/ca_chain_certificate.crt
  set -- "key=$(key_state)" "linked=$(answer each_link is_linked)" "staged=$(answer test -s "$home/staged/key.pem")"
  [ ! -L "$home/current" ] || set -- "$@" "current=$(version_of current)"
  [ ! -L "$home/previous" ] || set -- "$@" "previous=$(version_of previous)"
  if [ -e "$certificate" ]; then
    installed=$(openssl x509 -in "$certificate" 2>&1) ||
      fail certificate_invalid "openssl cannot read $certificate: $installed"
    set -- "$@" "verified=$(answer verifies)" "certificate:$(body "$installed")"
  fi
  [ ! -e "$key" ] || set -- "$@" "key_owner:$(owner_of "$key" | encode)"
  [ -z "$tls_endpoint" ] || set -- "$@" "$(endpoint_state)"
  report read "$*"
}

answer() { if "$@" >/dev/null 2>&1; then echo yes; else echo no; fi; }

body() { printf '%s\n' "$1" | sed '/^-----/d' | tr -d '\n'; }

version_of() { basename "$(readlink "$home/$1")"; }

key_state() {
  if [ ! -e "$key" ]; then
    echo missing
  elif [ "$(public_key "$key")" = "$(openssl x509 -in "$certificate" -noout -pubkey 2>/dev/null)" ]; then
    echo matches
  else
    echo differs
  fi
}

# (Also for files that something else put there, whatever the order of their chain.)
verifies() {
  case $(openssl verify -CAfile "$chain" "$certificate" 2>&1) in *': OK') ;; *) return 1 ;; esac
}

# Mode, owner and group of a file, as ls writes them.
owner_of() {
  # shellcheck disable=SC2012,SC2046 # stat is not POSIX; the name, which ls ends with, is not used
  set -- $(ls -ldL "$1")
  echo "$1 $3 $4"
}

endpoint_state() {
  found=$(served "$tls_endpoint" "$server_name")
  case $found in
    '') echo served=none ;;
    "${installed:-}") echo served=installed ;;
    *) echo "served=other served_certificate:$(body "$found")" ;;
  esac
}

main
