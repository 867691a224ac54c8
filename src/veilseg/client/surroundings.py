"""What a client takes from the environment, checked before it is used: certificates and proxies."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import urllib.request
from urllib.parse import urlsplit

import httpx

from veilseg.errors import UsageError


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own: localhost, 127.0.0.0/8 in any notation, ::1."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        pass
    try:
        return socket.inet_aton(name)[0] == 127  # 127.1, as the system reads it
    except (OSError, UnicodeError):
        return False


def proxy_for(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a service (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), or None.

    Loopback is never reached through one. Raises UsageError for a proxy that is not one of http or https.
    """
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    name = scheme if proxies.get(scheme) else "all"
    given = proxies.get(name)
    if not given:
        return None
    url = given if "://" in given else f"http://{given}"
    variable = f"{name.upper()}_PROXY"
    try:
        parts = urlsplit(url)
        port = parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        hint = "for example http://proxy.example:3128; an IPv6 address stands in brackets"
        raise UsageError(f"{variable} is no address of a proxy", hint) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        hint = f"give an http:// or https:// proxy, or name {host} in NO_PROXY"
        raise UsageError(f"{variable} names a proxy of a kind that veilseg does not use", hint)
    return url


def proxy_name(url: str) -> str:
    """A proxy's name and port, without its password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def certificates(*, needed: bool) -> ssl.SSLContext:
    """Whom a client trusts: the certificates of SSL_CERT_FILE or SSL_CERT_DIR, else the usual ones.

    needed: without TLS nobody need be trusted, and a wrong variable harms nothing. Raises UsageError for files that
    cannot be used.
    """
    if not needed:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    folder = os.environ.get("SSL_CERT_DIR")
    if folder and not os.environ.get("SSL_CERT_FILE") and not os.path.isdir(folder):  # noqa: PTH112
        raise UsageError("SSL_CERT_DIR is no folder", "give a folder of certificates, or unset it")
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # SSLError among them
        reason = "holds no certificate" if isinstance(error, ssl.SSLError) else "cannot be read"
        raise UsageError(f"the file of SSL_CERT_FILE {reason}", "give a PEM file, or unset the variable") from error
