"""The faults of the network around the exchange, as data.  ``plan.net_plan`` says what each one changes."""

from __future__ import annotations

from okxdoctor.exchange.faults.model import Fault

_DAY_S = 86400.0
# Loopback, so that no packet leaves the machine, and nothing of the exchange listens on it.
_NOBODY = "127.66.6.6"

FAULTS: tuple[Fault, ...] = (
    Fault(
        name="clock-ntp-unreachable", example="clock-ntp-unreachable", layer="clock", cause="clock.ntp-unreachable",
        value="choice", default="silent", choices=("silent", "denied", "unsynchronized"), occasion="packet",
        says="no time server is of use: none answers, all refuse, or none knows the time",
    ),
    Fault(
        name="dns-resolver-down", example="dns-resolver-down", layer="dns", cause="dns.resolver-down", value="choice",
        default="silent", choices=("silent", "servfail", "refused", "garbled"),
        says="the program's resolver is silent, fails or refuses every name, or answers under a foreign id",
    ),
    Fault(
        name="dns-resolver-down-truncated", example="dns-resolver-down-truncated", layer="dns",
        cause="dns.resolver-down",
        says="the program's resolver truncates its answers over UDP, and over TCP it gives none",
    ),
    Fault(
        name="dns-name-not-found", example="dns-name-not-found", layer="dns", cause="dns.name-not-found", value="text",
        default="*", says="the exchange's names (or the one given) do not exist for any resolver, while others do",
    ),
    Fault(
        name="dns-name-not-found-blocked", example="dns-name-not-found-blocked=nxdomain", layer="dns",
        cause="dns.name-not-found", value="choice", default="nxdomain",
        choices=("nxdomain", "nodata", "servfail", "refused"),
        says="the program's resolver alone does not give out the exchange's names, as block lists do",
    ),
    Fault(
        name="dns-poisoned", example="dns-poisoned", layer="dns", cause="dns.poisoned", value="address",
        default=_NOBODY, says="the program's resolver alone gives the exchange's names an address at which nobody is",
    ),
    Fault(
        name="dns-poisoned-partly", example="dns-poisoned-partly=169.254.0.2", layer="dns", cause="dns.poisoned",
        value="address", default="169.254.0.2",
        says="the program's resolver gives the exchange's names a foreign address before the right one",
    ),
    Fault(
        name="dns-slow", example="dns-slow=800ms", layer="dns", cause="dns.slow", value="duration", default=0.8,
        says="the program's resolver takes this long over every answer",
    ),
    Fault(
        name="dns-slow-ipv6", example="dns-slow-ipv6=800ms", layer="dns", cause="dns.slow", value="duration",
        default=0.8,
        says="the program's resolver takes this long over every question for IPv6 addresses, and none over others",
    ),
    Fault(
        name="dns-slow-lossy", example="dns-slow-lossy", layer="dns", cause="dns.slow", occasion="state",
        says="the first packet of each question to the program's resolver is lost; whoever asks again is answered",
    ),
    Fault(
        name="tcp-refused", example="tcp-refused", layer="tcp", cause="tcp.refused",
        says="the exchange's TLS ports are closed: a connection is answered by RST",
    ),
    Fault(
        name="tcp-refused-behind", example="tcp-refused-behind=reset", layer="tcp", cause="tcp.refused", value="choice",
        default="reset", choices=("reset", "close"),
        says="a forwarder before the exchange accepts connections and ends them at once: nobody is behind it",
    ),
    Fault(
        name="tcp-refused-one-host", example="tcp-refused-one-host=ws", layer="tcp", cause="tcp.refused",
        value="choice", default="ws", choices=("ws", "rest"), occasion="state",
        says="the port of this one of the exchange's hosts is closed",
    ),
    Fault(
        name="tcp-refused-one-address", example="tcp-refused-one-address", layer="tcp", cause="tcp.refused",
        occasion="state", says="the exchange's names have a second address, which comes first and refuses connections",
    ),
    Fault(
        name="tcp-filtered", example="tcp-filtered", layer="tcp", cause="tcp.filtered",
        says="the exchange's TLS ports answer no SYN, as behind a firewall that drops",
    ),
    Fault(
        name="tcp-filtered-one-host", example="tcp-filtered-one-host=ws", layer="tcp", cause="tcp.filtered",
        value="choice", default="ws", choices=("ws", "rest"), occasion="state",
        says="the port of this one of the exchange's hosts answers no SYN",
    ),
    Fault(
        name="tcp-filtered-one-address", example="tcp-filtered-one-address", layer="tcp", cause="tcp.filtered",
        occasion="state", says="the exchange's names have a second address, which comes first and answers no SYN",
    ),
    Fault(
        name="tcp-unreachable", example="tcp-unreachable", layer="tcp", cause="tcp.unreachable", occasion="lookup",
        says="the exchange's names have an address to which there is no route",
    ),
    Fault(
        name="tcp-ipv6-broken", example="tcp-ipv6-broken", layer="tcp", cause="tcp.ipv6-broken", value="choice",
        default="refused", choices=("refused", "filtered"), occasion="state",
        says="the exchange's names have an IPv6 address too, and nobody is there",
    ),
    Fault(
        name="tcp-port-8443-closed", example="tcp-port-8443-closed", layer="tcp", cause="tcp.port-8443-closed",
        occasion="state",
        says="the WebSocket address in use names the old port, which is closed, while the usual one is open",
    ),
    Fault(
        name="http-timeout-handshake", example="http-timeout-handshake=mute", layer="tcp", cause="http.timeout",
        value="choice", default="mute", choices=("mute", "large-packets"),
        says="TCP connects and no TLS answer comes, whatever the name: nobody answers, or full-sized packets are lost",
    ),
    Fault(
        name="proxy-unreachable", example="proxy-unreachable", layer="proxy", cause="proxy.unreachable", value="choice",
        default="closed", choices=("closed", "filtered", "silent", "name"),
        says="the proxy in use has a closed port, drops packets, answers nothing, or has a name that nobody knows",
    ),
    Fault(
        name="proxy-auth-required", example="proxy-auth-required", layer="proxy", cause="proxy.auth-required",
        says="the proxy in use wants a user and password that its URL does not have (407)",
    ),
    Fault(
        name="proxy-auth-required-rejected", example="proxy-auth-required-rejected", layer="proxy",
        cause="proxy.auth-required",
        occasion="state",
        says="the URL of the proxy in use has a user and a password, and they are not right (407)",
    ),
    Fault(
        name="proxy-auth-required-socks", example="proxy-auth-required-socks", layer="proxy",
        cause="proxy.auth-required",
        occasion="state",
        says="the proxy in use speaks SOCKS5 and wants a user and password that its URL does not have",
    ),
    Fault(
        name="proxy-forbidden", example="proxy-forbidden=403", layer="proxy", cause="proxy.forbidden", value="choice",
        default="403", choices=("403", "405", "451", "502", "503", "hang-up"),
        says="the proxy in use refuses to connect to the exchange, with this HTTP status or by hanging up",
    ),
    Fault(
        name="proxy-forbidden-socks", example="proxy-forbidden-socks", layer="proxy", cause="proxy.forbidden",
        occasion="state",
        says="the proxy in use speaks SOCKS5, and its rules do not allow the exchange (reply 2)",
    ),
    Fault(
        name="proxy-scheme-wrong", example="proxy-scheme-wrong=https", layer="proxy", cause="proxy.scheme-wrong",
        value="choice", default="https", choices=("https", "socks5"), occasion="state",
        says="the URL of the proxy in use says https or socks5, and the proxy speaks plain HTTP",
    ),
    Fault(
        name="proxy-scheme-wrong-socks", example="proxy-scheme-wrong-socks", layer="proxy", cause="proxy.scheme-wrong",
        occasion="state", says="the URL of the proxy in use says http, and the proxy speaks SOCKS5",
    ),
    Fault(
        name="tls-intercepted-by-proxy", example="tls-intercepted-by-proxy", layer="proxy", cause="tls.intercepted",
        says="the proxy in use opens the TLS of what goes through it, and signs it anew with a private root",
    ),
    Fault(
        name="tls-expired", example="tls-expired=3d", layer="tls", cause="tls.expired", value="duration",
        default=3 * _DAY_S, says="the certificate ended this long ago",
    ),
    Fault(
        name="tls-expired-issuer", example="tls-expired-issuer=3d", layer="tls", cause="tls.expired", value="duration",
        default=3 * _DAY_S, says="the intermediate that issued the certificate ended this long ago",
    ),
    Fault(
        name="tls-not-yet-valid", example="tls-not-yet-valid=3d", layer="tls", cause="tls.not-yet-valid",
        value="duration", default=3 * _DAY_S, says="the certificate begins this long from now",
    ),
    Fault(
        name="tls-expires-soon", example="tls-expires-soon=3d", layer="tls", cause="tls.expires-soon", value="duration",
        default=3 * _DAY_S, says="the certificate ends this long from now",
    ),
    Fault(
        name="tls-expires-soon-issuer", example="tls-expires-soon-issuer=3d", layer="tls", cause="tls.expires-soon",
        value="duration", default=3 * _DAY_S,
        says="the intermediate that issued the certificate ends this long from now",
    ),
    Fault(
        name="tls-hostname-mismatch", example="tls-hostname-mismatch", layer="tls", cause="tls.hostname-mismatch",
        says="the certificate is in order, for other names",
    ),
    Fault(
        name="tls-hostname-mismatch-wildcard", example="tls-hostname-mismatch-wildcard", layer="tls",
        cause="tls.hostname-mismatch", says="the certificate has stars for names one level below the exchange's",
    ),
    Fault(
        name="tls-hostname-mismatch-no-names", example="tls-hostname-mismatch-no-names", layer="tls",
        cause="tls.hostname-mismatch",
        says="the certificate names the exchange in its common name alone, which few libraries still read",
    ),
    Fault(
        name="tls-self-signed", example="tls-self-signed", layer="tls", cause="tls.self-signed",
        says="the certificate has the right names and is its own issuer",
    ),
    Fault(
        name="tls-self-signed-authority", example="tls-self-signed-authority", layer="tls", cause="tls.self-signed",
        says="the certificate has the right names, is its own issuer, and calls itself an authority",
    ),
    Fault(
        name="tls-intercepted", example="tls-intercepted", layer="tls", cause="tls.intercepted", value="choice",
        default="with-root", choices=("with-root", "without-root"),
        says="the certificate has the right names and a complete chain to an inspection proxy's private root",
    ),
    Fault(
        name="tls-incomplete-chain", example="tls-incomplete-chain", layer="tls", cause="tls.incomplete-chain",
        says="the server sends its certificate without the intermediate, which AIA names and serves",
    ),
    Fault(
        name="tls-incomplete-chain-wrong-issuer", example="tls-incomplete-chain-wrong-issuer", layer="tls",
        cause="tls.incomplete-chain",
        says="the server sends an intermediate of former years that has not issued its certificate",
    ),
    Fault(
        name="tls-incomplete-chain-unfetchable", example="tls-incomplete-chain-unfetchable", layer="tls",
        cause="tls.incomplete-chain", occasion="state",
        says="the server sends its certificate without the intermediate, and where AIA says that it is nobody answers",
    ),
    Fault(
        name="tls-weak", example="tls-weak=tls1.1", layer="tls", cause="tls.weak", value="choice", default="tls1.1",
        choices=("tls1.1", "tls1.0", "rsa1024", "sha1"),
        says="the server speaks no TLS above this, or its certificate has an RSA-1024 key or a SHA-1 signature",
    ),
    Fault(
        name="tls-weak-ciphers", example="tls-weak-ciphers=dhe1024", layer="tls", cause="tls.weak", value="choice",
        default="dhe1024", choices=("dhe1024", "aes128-sha"),
        says="the server has weak ciphers of TLS 1.2 alone: a DH group of 1024 bits, or RSA key exchange with SHA-1 "
             "(which the Python of some distributions takes)",
    ),
    Fault(
        name="tls-handshake-reset-client-certificate", example="tls-handshake-reset-client-certificate=tls1.2",
        layer="tls", cause="tls.handshake-reset", value="choice", default="tls1.2", choices=("tls1.2", "tls1.3"),
        says="a gateway wants a certificate of the client under the exchange's names, and ends handshakes without one",
    ),
    Fault(
        name="tls-handshake-reset", example="tls-handshake-reset=reset", layer="tls", cause="tls.handshake-reset",
        value="choice", default="reset", choices=("reset", "close", "alert", "blackhole"),
        says="a handshake that names the exchange dies after its first message, another name at the address is served",
    ),
    Fault(
        name="tls-not-tls", example="tls-not-tls=http", layer="tls", cause="tls.not-tls", value="choice",
        default="http", choices=("http", "ssh", "smtp", "garbage"),
        says="the peer on the TLS port speaks plain HTTP, SSH, SMTP or nothing known",
    ),
    Fault(
        name="http-slow-handshake", example="http-slow-handshake=1200ms", layer="tls", cause="http.slow",
        value="duration", default=1.2, says="every TLS handshake waits this long for its first answer",
    ),
)  # fmt: skip
