"""One call to the Bot API: its answer, or what is known of why there is none."""

import pytest

from channels.telegram.client import BotApi, NoAnswer, NotReached, RefusedByTelegram
from channels.telegram.texts import length, split_text
from tests.live import free_ports
from tests.servers.bot_api import bot_api_server


@pytest.fixture(scope="module")
def server():
    with bot_api_server() as running:
        yield running


@pytest.fixture
def bot(server):
    server.trouble.clear()
    found = server.bot()
    found.known_chats[7001] = {"id": 7001, "type": "private"}
    return found


def test_an_answer_is_its_result(server, bot):
    assert BotApi(bot.token, server.url).call("getMe")["username"] == bot.username


def test_a_wrong_token_is_refused_and_never_told(server):
    with pytest.raises(RefusedByTelegram) as refused:
        BotApi("123456:no-such-token", server.url).call("getMe")
    assert refused.value.code == 401
    with pytest.raises(NotReached) as away:
        BotApi("123456:no-such-token", f"http://127.0.0.1:{free_ports(1)[0]}").call("getMe")
    assert "no-such-token" not in str(away.value)


def test_what_is_asked_wrongly_is_refused_in_telegrams_words(server, bot):
    api = BotApi(bot.token, server.url)
    with pytest.raises(RefusedByTelegram, match='parameter "text" is required'):
        api.call("sendMessage", {"chat_id": 7001})
    with pytest.raises(RefusedByTelegram, match="message is too long"):
        api.call("sendMessage", {"chat_id": 7001, "text": "x" * 4097})
    with pytest.raises(RefusedByTelegram, match="BUTTON_DATA_INVALID"):
        keyboard = {"inline_keyboard": [[{"text": "Good", "callback_data": "x" * 65}]]}
        api.call("sendMessage", {"chat_id": 7001, "text": "How was it?", "reply_markup": keyboard})
    with pytest.raises(RefusedByTelegram, match="chat not found"):
        api.call("sendMessage", {"chat_id": 9, "text": "Hello"})
    assert bot.sent == []


def test_a_lost_answer_leaves_open_whether_it_was_done(server, bot):
    server.trouble.append("hang up")
    with pytest.raises(NoAnswer):
        BotApi(bot.token, server.url).call("sendMessage", {"chat_id": 7001, "text": "Hello"})
    assert bot.texts == ["Hello"]
    server.trouble.append("no answer of ours")
    with pytest.raises(NoAnswer, match="HTTP 502"):
        BotApi(bot.token, server.url).call("sendMessage", {"chat_id": 7001, "text": "Hello"})


def test_too_many_requests_say_how_long_to_wait(server, bot):
    server.trouble.append((429, "Too Many Requests: retry after 7", {"retry_after": 7}))
    with pytest.raises(RefusedByTelegram) as refused:
        BotApi(bot.token, server.url).call("sendMessage", {"chat_id": 7001, "text": "Hello"})
    assert (refused.value.code, refused.value.retry_after) == (429, 7)


def test_a_file_goes_as_it_is(server, bot):
    BotApi(bot.token, server.url).call(
        "sendDocument",
        {"chat_id": 7001, "caption": "Ihre Zahlen"},
        file=("document", ("zählen.csv", b"a;b\r\n1;2\r\n", "text/csv")),
    )
    assert bot.sent[-1]["document"] == ("zählen.csv", b"a;b\r\n1;2\r\n")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("short", ["short"]),
        ("one two three", ["one two", "three"]),
        ("one two\n\nthree four", ["one two", "three four"]),
        ("abcdefghijklmno", ["abcdefghij", "klmno"]),
        ("😀😀😀😀😀😀", ["😀😀😀😀😀", "😀"]),
    ],
)
def test_long_texts_are_cut_between_paragraphs_lines_and_words(text, parts):
    assert split_text(text, 10) == parts


def test_parts_fit_and_hold_every_word():
    text = " ".join(f"word{number}😀" for number in range(3000))
    parts = split_text(text)
    assert all(0 < length(part) <= 4096 for part in parts)
    assert " ".join(parts) == text
