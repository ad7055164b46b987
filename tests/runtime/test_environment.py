"""The environment as settings read it, and what container builds take in."""

import fnmatch

import pytest

from config.env import CHECKOUT, environment


@pytest.fixture
def read(monkeypatch):
    """The environment, read anew with these variables."""

    def read(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return environment.__wrapped__()

    return read


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://affiliates.example.com", "affiliates.example.com"),
        ("http://Shop.example:8443/", "shop.example"),
        ("http://[2001:db8::1]:8000", "[2001:db8::1]"),
        ("http://[2001:db8::1]", "[2001:db8::1]"),
    ],
)
def test_the_base_addresss_host_is_allowed(read, address, host):
    assert read(BASE_URL=address).host == host


def test_former_secret_keys_are_named_with_commas_between(read):
    assert read(SECRET_KEY_FALLBACKS="").secret_key_fallbacks == ()
    assert read(SECRET_KEY_FALLBACKS="the last one, the one before,").secret_key_fallbacks == ("the last one", "the one before")


def test_secrets_stay_out_of_container_images():
    ignored = (CHECKOUT / ".dockerignore").read_text().split()

    def left_out(name):
        rules = [rule for rule in ignored if fnmatch.fnmatch(name, rule.removeprefix("!"))]
        return bool(rules) and not rules[-1].startswith("!")

    assert left_out(".env") and left_out(".env.production") and left_out(".data")
    assert not left_out(".env.example") and not left_out("config")


def test_containers_are_published_on_this_machine_alone_and_addresses_follow_their_ports():
    compose = (CHECKOUT / "docker-compose.yml").read_text()

    for name, port in (("", 8000), ("CLICK_", 8001)):
        assert f'ports: ["${{BIND:-127.0.0.1}}:${{{name}PORT:-{port}}}:{port}"]' in compose
        assert f"{name}BASE_URL: ${{{name}BASE_URL:-http://localhost:${{{name}PORT:-{port}}}}}" in compose
