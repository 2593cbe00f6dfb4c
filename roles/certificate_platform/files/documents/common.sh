# shellcheck shell=sh disable=SC2034 # the documents use what is set here
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the documents share. A document is this file, then its own, which defines handle() and ends by calling main.
#
# CERTWRIGHT_PAYLOAD holds base64 sections parted by commas. The first is text: a line "=VALUE" for each distinct value,
# then a line "NODE N N N..." for each record, naming its values by line number. The others are certificates in DER.
# AWS_SSM_INSTANCE_ID is set by the agent. Every path is prefixed by CERTWRIGHT_ROOT, which is empty on a real node.
#
# Under <state dir>/<record>/ lie
#   versions/<serial>/   key.pem cert.pem chain.pem ... of a certificate
#   current, previous    links to two of them
#   staged/              key and CSR that wait for their certificate
#   pending              the serial that is being switched to; whoever finds it finishes or undoes the switch
# All changes are made under a lock, each by one rename, so that a run killed anywhere can be run again.

set -uf
umask 077
LC_ALL=C
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
root=${CERTWRIGHT_ROOT:-}
newline='
'
switching='' undoing=''

encode() { base64 | tr -d '\n'; }

sha256() { sha256sum | cut -d ' ' -f 1; }

# Base64 of what a PEM file holds.
armoured() { sed '/^-----/d' "$1" | tr -d '\n'; }

public_key() { openssl pkey -in "$1" -pubout 2>/dev/null; }

# report ACTION [NAME=WORD | NAME:BASE64]...: the one line that tells what became of this record
report() {
  line="id=$host_id action=$*"
  printf 'CERTWRIGHT1 %s %s %s\n' "${#line}" "$(printf %s "$line" | sha256)" "$line"
}

# fail REASON MESSAGE: undo what was begun, report, and end this record
fail() {
  action=failed reason=$1 message=${undoing:+"$undoing; rolling back failed: "}$2
  if [ -n "$switching" ]; then
    switching='' undoing=$message
    roll_back
    action=rolled_back
  fi
  report "$action" "reason=$reason" "message:$(printf %s "$message" | tail -c 500 | encode)"
  exit 1
}

# try WHAT COMMAND...: run a command; where it fails, end this record with what it said
try() {
  what=$1
  shift
  said=$("$@" 2>&1 >/dev/null) || fail system_error "cannot $what: $said"
}

# place MODE FILE COMMAND...: what the command prints becomes the file, whole or not at all
place() {
  file_mode=$1 file=$2
  shift 2
  said=$({ "$@" >"$file.certwright"; } 2>&1) || fail system_error "cannot write $file: $said"
  try "give $file to $owner:$group" chown "$owner:$group" "$file.certwright"
  try "set the mode of $file" chmod "$file_mode" "$file.certwright"
  try "put $file in place" mv -Tf "$file.certwright" "$file"
}

# point LINK TARGET: make the link, or turn it, in one step
point() {
  try "remove $1.certwright" rm -f "$1.certwright"
  try "make the link $1" ln -s "$2" "$1.certwright"
  try "put the link $1 in place" mv -Tf "$1.certwright" "$1"
}

# Have files on the disk before others rely on them. An old sync takes no names.
settle() { sync "$@" 2>/dev/null || sync; }

# each_link COMMAND: call it with the file and the path of everything that users see, until it fails
each_link() {
  "$1" chain.pem "$root$cacert_path/ca_chain_certificate.crt" &&
    "$1" csr.pem "$root$csr_path/$host_id.csr" &&
    "$1" cert.pem "$root$cert_path/$host_id.crt" &&
    "$1" key.pem "$root$key_path/$host_id.key"
}

is_linked() { [ "$(readlink "$2")" = "$home/current/$1" ]; }

# limited COMMAND...: run it within the user's time limit; what it says on stderr is left in $said
# (A daemon that it starts may keep its outputs and would keep the lock: it gets a file and no lock.)
limited() {
  timeout -k 5 "$command_timeout" "$@" </dev/null >/dev/null 2>"$home/said" 9>&-
  status=$?
  said=$(tail -c 400 "$home/said")
  ! grep -q 'PRIVATE KEY' "$home/said" || said='(withheld, because it holds a private key)'
  case $status in
    124 | 137 | 143) said="not ended after $command_timeout s" ;; # timeouts differ in what they return
    *) said="exit status $status${said:+: }$said" ;;
  esac
  rm -f "$home/said"
  return "$status"
}

# served ENDPOINT NAME: the certificate that the TLS endpoint serves, in PEM
served() {
  timeout 5 openssl s_client -connect "$1" ${2:+-servername "$2"} </dev/null 2>/dev/null | openssl x509 2>/dev/null
}

# settings VALUE...: the values with which every record begins
settings() {
  host_id=$1 state_dir=$2 cert_path=$3 key_path=$4 cacert_path=$5 csr_path=$6
  owner=$7 group=$8 mode=$9 command_timeout=${10} dry_run=${11}
  home=$root$state_dir/$host_id
}

need_tools() {
  for tool in openssl flock timeout; do
    command -v "$tool" >/dev/null || fail tool_missing "$tool is not installed on this node"
  done
}

# The owner of the files, who must exist. Without root's rights, as in a test, it can only be oneself.
need_owner() {
  if [ -n "$root" ] && [ "$(id -u)" != 0 ]; then
    owner=$(id -u) group=$(id -g)
  fi
  id "$owner" >/dev/null 2>&1 || fail owner_unknown "owner '$owner' does not exist on this node"
  [ -n "$group" ] || group=$(id -g "$owner")
}

# Take the record's lock, as file 9.
lock_record() {
  try "write to $home" touch "$home/lock"
  exec 9>>"$home/lock"
  timeout "$command_timeout" flock 9 || fail busy "another run has held the lock of this record for $command_timeout s"
  [ -e "$home/lock" ] || fail busy 'the record was being removed at the same time; run again'
}

# Make the folders, take the lock, and see that files can be written there and given to their owner.
open_home() {
  umask 022
  for directory in "$home/versions" "$root$cert_path" "$root$key_path" "$root$cacert_path" "$root$csr_path"; do
    try "make $directory" mkdir -p "$directory"
    [ -w "$directory" ] || fail system_error "cannot write to $directory: it is read-only"
  done
  umask 077
  lock_record
  place 0600 "$home/probe" true
  try "remove $home/probe" rm -f "$home/probe"
}

# Call handle() with the values of each record of this node, in a shell of its own.
main() {
  text=$(printf %s "${CERTWRIGHT_PAYLOAD%%,*}" | base64 -d) || exit 2
  failed=0
  IFS=$newline
  # shellcheck disable=SC2086 # splitting is meant; globbing is off
  set -- $text
  IFS=' '
  for line; do
    case $line in
      "${AWS_SSM_INSTANCE_ID:?} "*[!0-9\ ]*) exit 2 ;;
      "$AWS_SSM_INSTANCE_ID "*) ;;
      *) continue ;;
    esac
    values=''
    for number in ${line#* }; do values="$values \"\${$number#=}\""; done
    (eval "set -- $values" && handle "$@") || failed=1
  done
  exit "$failed"
}
