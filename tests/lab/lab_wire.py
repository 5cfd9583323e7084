"""Two hosts of the kernel's own, ``near`` (the user's machine) and ``far`` (the exchange's), joined by a wire."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FAR4, NEAR4 = "23.32.0.1", "23.32.0.2"
"""Global unicast, as an exchange's address is; they exist on this wire only."""
FAR6, NEAR6 = "2600:1400::1", "2600:1400::2"
BEYOND = "23.32.0.9"
"""A second address of the far host: the resolver, and a second host of the exchange where a test needs one."""
CONTROLS = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
"""Where okxdoctor looks whether there is a network at all; the far host has these as well."""


class NoWire(RuntimeError):
    """The system does not let this process make hosts of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """``near`` and ``far`` are names of network namespaces."""

    near: str
    far: str

    def at(self, host: str, *command: str) -> list[str]:
        """``command`` as it is started on a host."""
        return ["ip", "netns", "exec", host, *command]

    def filter_near(self, *rules: str) -> None:
        """Replace the packet filter of the near host: nftables rules on what it sends."""
        _nft(self, self.near, "output", rules)

    def filter_far(self, *rules: str) -> None:
        """Replace the packet filter of the far host: nftables rules on what reaches it, before any translation."""
        _nft(self, self.far, "prerouting", rules)

    def serve_at(self, port: int) -> None:
        """What reaches the far host at 443 and 8443 goes to this port of its loopback."""
        _run(*self.at(self.far, "nft", "-f", "-"), feed=_TRANSLATION.replace("PORT", str(port)))

    def no_route(self, address: str) -> None:
        """The near host has no route to an address (until ``reset``)."""
        _run("ip", "-n", self.near, "route", "add", "unreachable", f"{address}/32")

    def lead_over(self, link: str, *, mtu: int = 0) -> None:
        """All that goes between the hosts goes over another link of both, while that stands (until ``reset``)."""
        if mtu:
            for host in (self.near, self.far):
                _run("ip", "-n", host, "link", "set", link, "mtu", str(mtu))
        for place in (NEAR4.rsplit(".", 1)[0] + ".0/24", *(f"{address}/32" for address in (BEYOND, *CONTROLS))):
            _run("ip", "-n", self.near, "route", "replace", place, "dev", link, "src", NEAR4)
        for host, place in ((self.near, FAR6), (self.far, NEAR6)):
            _run("ip", "-n", host, "-6", "route", "replace", f"{place}/128", "dev", link)
        _run("ip", "-n", self.far, "route", "replace", f"{NEAR4}/32", "dev", link)

    def translate_near(self, *chains: str) -> None:
        """Address translation and connection tracking on the near host, as a router at home has (until ``reset``)."""
        text = "table ip router\ndelete table ip router\n"
        _run(
            *self.at(self.near, "nft", "-f", "-"),
            feed=text + ("table ip router {\n" + "\n".join(chains) + "\n}\n" if chains else ""),
        )

    def unplug(self) -> None:
        """The near host's end of the wire is down (until ``reset``)."""
        _run("ip", "-n", self.near, "link", "set", "wire", "down")

    def reset(self) -> None:
        _run("ip", "-n", self.near, "link", "set", "wire", "up")
        _run("ip", "-n", self.near, "addr", "replace", f"{NEAR6}/64", "dev", "wire", "nodad")
        _run("ip", "-n", self.near, "route", "flush", "table", "main")
        _run("ip", "-n", self.near, "route", "add", NEAR4.rsplit(".", 1)[0] + ".0/24", "dev", "wire", "src", NEAR4)
        for address in (BEYOND, *CONTROLS):
            _run("ip", "-n", self.near, "route", "add", f"{address}/32", "via", FAR4, "src", NEAR4)
        self.filter_near()
        self.filter_far()
        self.translate_near()
        # A path MTU that was told is remembered for ten minutes.
        _run("ip", "-n", self.far, "route", "flush", "cache")
        self.resolve_by((BEYOND,))
        self.know()

    def resolve_by(self, servers: Sequence[str], *lines: str) -> None:
        """What the near host's resolv.conf says; ``lines`` beside the servers (``search …``)."""
        _resolv_conf(self.near).write_text(
            "".join(f"nameserver {s}\n" for s in servers) + "\n".join(["options timeout:1 attempts:1", *lines, ""])
        )

    def know(self, *lines: str) -> None:
        """What the near host's /etc/hosts says (until ``reset``); no line takes it away."""
        hosts = _resolv_conf(self.near).with_name("hosts")
        if lines:
            hosts.write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))
        else:
            hosts.unlink(missing_ok=True)


@contextmanager
def wire() -> Iterator[Wire]:
    """Make the hosts, and take them away with everything that runs on them."""
    made = Wire(near=f"okxlab-near-{os.getpid()}", far=f"okxlab-far-{os.getpid()}")
    conf = _resolv_conf(made.near)
    try:
        try:
            for host in (made.near, made.far):
                _run("ip", "netns", "add", host)
        except (OSError, subprocess.CalledProcessError) as failed:
            raise NoWire(getattr(failed, "stderr", None) or str(failed)) from failed
        _run("ip", "-n", made.far, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", made.near)
        for host, four, six in ((made.far, FAR4, FAR6), (made.near, NEAR4, NEAR6)):
            _run("ip", "-n", host, "addr", "add", f"{four}/24", "dev", "wire")
            _run("ip", "-n", host, "addr", "add", f"{six}/64", "dev", "wire", "nodad")
            for link in ("lo", "wire"):
                _run("ip", "-n", host, "link", "set", link, "up")
        for address in (BEYOND, *CONTROLS):
            _run("ip", "-n", made.far, "addr", "add", f"{address}/32", "dev", "lo")
        # The exchange listens on loopback only; what reaches the far host is translated to it.
        _run(*made.at(made.far, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1"))
        conf.parent.mkdir(parents=True, exist_ok=True)
        made.reset()
        yield made
    finally:
        for host in (made.near, made.far):
            subprocess.run(["ip", "netns", "del", host], check=False, capture_output=True)
        conf.unlink(missing_ok=True)
        made.know()
        if conf.parent.is_dir():
            conf.parent.rmdir()


_TRANSLATION = f"""
table ip to_loopback
delete table ip to_loopback
table ip to_loopback {{
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr {{ {", ".join((FAR4, BEYOND, *CONTROLS))} }} tcp dport {{ 443, 8443 }} dnat to 127.0.0.1:PORT
  }}
}}
"""


def _nft(made: Wire, host: str, hook: str, rules: Sequence[str]) -> None:
    text = "table inet lab\ndelete table inet lab\n"
    if rules:
        lines = "\n".join(f"    {rule}" for rule in rules)
        text += f"table inet lab {{\n  chain {hook} {{\n    type filter hook {hook} priority -300;\n{lines}\n  }}\n}}\n"
    _run(*made.at(host, "nft", "-f", "-"), feed=text)


def _resolv_conf(host: str) -> Path:
    """``ip netns exec`` puts this file over /etc/resolv.conf for what runs on the host."""
    return Path("/etc/netns") / host / "resolv.conf"


def _run(*command: str, feed: str | None = None) -> None:
    subprocess.run(command, input=feed, check=True, capture_output=True, text=True, timeout=20)
