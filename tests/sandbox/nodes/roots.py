# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root directory of a real node: what a small Linux server has below /etc, and the directories a script may need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

DIRECTORIES = (
    "etc/nginx/conf.d",
    "etc/pki/tls/certs",
    "etc/pki/tls/private",
    "etc/ssl/certs",
    "etc/ssl/private",
    "home/app",
    "opt",
    "root",
    "run",
    "tmp",
    "usr/local/bin",
    "var/lib/amazon/ssm",
    "var/lib/nginx",
    "var/log/nginx",
    "var/tmp",
)
# name, user id, group id, home
USERS = (
    ("root", 0, 0, "/root"),
    ("www-data", 33, 33, "/var/www"),
    ("nginx", 998, 998, "/var/lib/nginx"),
    ("app", 1000, 1000, "/home/app"),
    ("nobody", 65534, 65534, "/nonexistent"),
)
GROUPS = (("root", 0), ("www-data", 33), ("ssl-cert", 110), ("nginx", 998), ("app", 1000), ("nogroup", 65534))
COPIED_FROM_HOST = ("etc/ssl/openssl.cnf", "etc/nginx/mime.types", "etc/pki/tls/openssl.cnf", "etc/services")
NGINX_CONF = """\
user root;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path /var/lib/nginx/body;
    proxy_temp_path /var/lib/nginx/proxy;
    fastcgi_temp_path /var/lib/nginx/fastcgi;
    uwsgi_temp_path /var/lib/nginx/uwsgi;
    scgi_temp_path /var/lib/nginx/scgi;
    include /etc/nginx/conf.d/*.conf;
}
"""


def make_root(root: Path, host_name: str, address: str, one_user: bool) -> None:
    """Make the root directory of a node.

    :param one_user: whether the node can only have files of a single user, as in a container of an unprivileged user;
        then every user and group is another name of root, so that ``chown`` works as far as it can
    """
    for directory in DIRECTORIES:
        (root / directory).mkdir(parents=True)
    for directory, mode in (("tmp", 0o1777), ("var/tmp", 0o1777), ("root", 0o700), ("etc/ssl/private", 0o710)):
        (root / directory).chmod(mode)
    users = [(name, 0, 0, home) if one_user else (name, user, group, home) for name, user, group, home in USERS]
    groups = [(name, 0) if one_user else (name, number) for name, number in GROUPS]
    files = {
        "etc/passwd": "".join(f"{name}:x:{uid}:{gid}:{name}:{home}:/bin/sh\n" for name, uid, gid, home in users),
        "etc/group": "".join(f"{name}:x:{number}:\n" for name, number in groups),
        "etc/hostname": f"{host_name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n{address} {host_name}\n",
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "etc/os-release": 'NAME="Sandbox Linux"\nID=sandbox\nVERSION_ID="1"\nPRETTY_NAME="Sandbox Linux 1"\n',
        "etc/nginx/nginx.conf": NGINX_CONF,
    }
    for name, text in files.items():
        (root / name).write_text(text)
    for name in COPIED_FROM_HOST:
        if Path("/", name).is_file():
            shutil.copyfile(Path("/", name), root / name)
    if not one_user and os.geteuid() == 0:
        os.chown(root / "home/app", 1000, 1000)
