"""The environment as settings read it."""

import pytest

from config.env import BadEnvironment, environment, kept_secret
from config.runtime.claims import make_data_folder


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIBUTARY_DATA", "~nobody-of-this-name/data"),
        ("PORT", "9" * 5000),
        ("BASE_URL", "affiliates.example.com"),
        ("BASE_URL", "https://affiliates.example.com/program"),
        ("BASE_URL", "https://affiliates.example.com:https"),
        ("BASE_URL", "http://[2001:db8::1"),
        ("CLICK_BASE_URL", "https://go here.example"),
        ("DATABASE_URL", "mysql://root@localhost/tributary"),
        ("DATABASE_URL", "postgresql://localhost"),
        ("DATABASE_URL", "postgresql://user:pass/word@localhost:5432/tributary"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://localhost:6379/zero"),
        ("REDIS_URL", "unix://relative.sock"),
        ("EMAIL_URL", "smtp.example.com:587"),
        ("EMAIL_URL", "smtp+tls://"),
        ("EMAIL_URL", "smtp+tls://mail.example:port"),
        ("EMAIL_URL", "smtp://mail.example/?tls=True"),
        ("DEBUG", "maybe"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line_that_names_it(read, name, value):
    with pytest.raises(BadEnvironment, match=rf"^tributary: {name} ") as refused:
        read(SECRET_KEY="a secret", **{name: value})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp+tls://mail.example", 587, True, False),
        ("submission://mail.example:2525", 2525, True, False),
        ("smtps://mail.example", 465, False, True),
        ("smtp+ssl://mail.example", 465, False, True),
    ],
)
def test_a_mail_address_says_whether_and_how_mail_is_encrypted(read, url, port, starttls, tls):
    server = read(EMAIL_URL=url).mail_server
    assert server and (server["port"], server["use_tls"], server["use_ssl"]) == (port, starttls, tls)


def test_a_mail_address_may_carry_escaped_words_and_the_sender(read):
    env = read(EMAIL_URL="smtp+tls://me%40mail.example:p%2Fs@mail.example:2525/?_default_from_email=Us%20%3Cus@mail.example%3E")
    assert env.mail_server
    assert (env.mail_server["username"], env.mail_server["password"]) == ("me@mail.example", "p/s")
    assert env.mail_sender == "Us <us@mail.example>"


def test_secrets_that_cannot_be_read_are_told_in_one_line(tmp_path):
    (tmp_path / "secrets").write_text("not a folder")
    with pytest.raises(BadEnvironment, match="cannot be used .*set TRIBUTARY_DATA"):
        kept_secret(tmp_path, "secret-key")


def test_another_users_data_folder_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(BadEnvironment, match="belongs to another user"):
        make_data_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_not_closed_to_others(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "someone's.txt").touch()
    with pytest.raises(BadEnvironment, match="holds other things"):
        make_data_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755

    (tmp_path / "someone's.txt").unlink()
    make_data_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_without_a_sender_mails_come_from_the_base_addresss_host(read):
    assert read(BASE_URL="https://affiliates.example.com:8443").mail_sender == "Tributary <affiliates@affiliates.example.com>"
