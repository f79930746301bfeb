#!/usr/bin/env python3
"""Writes what one of the database's machines needs, out of cluster.toml and templates/.

    python3 deploy/render.py cluster.toml a /etc/handover-db

The passwords are beside cluster.toml in secrets.toml, made the first time: copy it to the other machines, and keep it.
Needs Python 3.11 and nothing else.
"""

import os
import secrets
import sys
import tomllib
from pathlib import Path
from string import Template
from typing import Any

TEMPLATES = Path(__file__).resolve().parent / "templates"
WHOSE = ("postgres", "replicator", "rewinder", "patroni", "handover")


def passwords(cluster: Path) -> dict[str, str]:
    """Everybody's, by name."""
    kept = cluster.with_name("secrets.toml")
    if not kept.exists():
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.writelines(f'{name} = "{secrets.token_hex(16)}"\n' for name in WHOSE)
    told: dict[str, str] = tomllib.loads(kept.read_text("utf-8"))
    return {f"{name}_password": told[name] for name in WHOSE}


def told(cluster: dict[str, Any], node: str, here: Path) -> dict[str, Any]:
    """What the templates say of one node. A node may have ports, and a folder, of its own."""
    common = {name: value for name, value in cluster.items() if not isinstance(value, dict)} | cluster["ports"]
    nodes = {name: common | own for name, own in cluster["nodes"].items()}
    peers = {name: "http://{address}:{etcd_peers}".format(**one) for name, one in nodes.items()}
    return {
        **nodes[node],
        "node": node,
        "here": here,
        "etcd_cluster": ",".join(f"{name}={url}" for name, url in peers.items()),
        "etcd_hosts": ",".join("{address}:{etcd}".format(**one) for one in nodes.values()),
    }


def render(file: Path, node: str, here: Path) -> None:
    """Writes one node's files into a folder, for nobody else to read."""
    cluster = tomllib.loads(file.read_text("utf-8"))
    if node not in cluster["nodes"]:
        sys.exit(f"{file} names no node {node}; there are {', '.join(cluster['nodes'])}.")
    values = told(cluster, node, here) | passwords(file)
    here.mkdir(mode=0o700, parents=True, exist_ok=True)
    for template in sorted(TEMPLATES.iterdir()):
        target = here / template.name
        target.touch(mode=0o600)
        target.write_text(Template(template.read_text("utf-8")).substitute(values), "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} cluster.toml NODE FOLDER")
    try:
        render(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).resolve())
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    except KeyError as error:
        sys.exit(f"{sys.argv[1]}, or secrets.toml beside it, does not say {error}; see deploy/cluster.toml.")
    except ValueError as error:  # of what cannot be read as TOML, too
        sys.exit(f"{sys.argv[1]}, or secrets.toml beside it, cannot be read: {error}")
