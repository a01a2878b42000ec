"""Target URLs: what is accepted, and one clear line for what is not."""

from __future__ import annotations

import pytest

from shadowdiff.errors import UsageError
from shadowdiff.net.endpoint import endpoint


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop:8080", "needs http:// or https://"),
        ("ftp://shop", "needs http:// or https://"),
        ("http://", "has no host"),
        ("http://shop:99999", "not a valid URL"),
        ("http://u:p@shop", "credentials"),
        ("http://shop/?a=1", "drop what follows"),
        ("http://sh op/", "blank"),
        ("http://[::1", "not a valid URL"),
    ],
)
def test_a_bad_url_names_the_option_and_the_next_step(url: str, says: str) -> None:
    with pytest.raises(UsageError, match="--blue") as error:
        endpoint("blue", url)
    assert says in str(error.value)


def test_connect_to_changes_the_address_but_not_the_name() -> None:
    made = endpoint("blue", "https://shop.example/base/", connect_to=("shop.example:443:[::1]:8443",))
    assert (made.host, made.port, made.connect_host, made.connect_port) == ("shop.example", 443, "::1", 8443)
    assert (made.host_header, made.prefix) == ("shop.example", "/base")


def test_connect_to_leaves_other_hosts_alone_and_refuses_other_shapes() -> None:
    made = endpoint("blue", "http://other:80", connect_to=("shop:443:127.0.0.1:1",))
    assert (made.connect_host, made.connect_port) == ("other", 80)
    with pytest.raises(UsageError, match="HOST:PORT:CONNECT-HOST:CONNECT-PORT"):
        endpoint("blue", "http://shop", connect_to=("127.0.0.1",))


def test_ipv6_and_default_ports_are_written_as_servers_expect() -> None:
    assert endpoint("blue", "http://[::1]:8080").host_header == "[::1]:8080"
    assert endpoint("blue", "https://shop:443").host_header == "shop"
    assert endpoint("green", "http://shop:443", host_header="front").host_header == "front"
