"""TLS: verified by default, and start-up errors told apart from a bad release."""

from __future__ import annotations

import ssl

from shadowdiff.errors import UsageError
from shadowdiff.net.endpoint import Endpoint

_HOSTNAME_MISMATCH = (62, 64)  # OpenSSL X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


def context_for(endpoint: Endpoint) -> ssl.SSLContext | None:
    """The client context of an https endpoint, None for http. Raises `UsageError` for a bad CA file."""
    if not endpoint.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=endpoint.cacert or None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"--cacert {endpoint.cacert}: cannot be loaded ({error})") from None
    context.set_alpn_protocols(["http/1.1"])
    if endpoint.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def explain(error: ssl.SSLError, endpoint: Endpoint) -> tuple[bool, str]:
    """(whether it is a configuration error, what to tell the reader)."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _HOSTNAME_MISMATCH:
            return True, (
                f"the certificate of {endpoint.origin} is not for the name {endpoint.host}; "
                "give the URL the certificate's name and reach the address with --connect-to"
            )
        return True, (
            f"the certificate of {endpoint.origin} is not trusted ({error.verify_message}); "
            "give its authority with --cacert FILE"
        )
    if "NO_APPLICATION_PROTOCOL" in str(error).upper():
        return True, f"{endpoint.origin} speaks only HTTP/2; give an HTTP/1.1 port"
    return False, f"TLS handshake with {endpoint.origin} failed ({error.reason or error})"
