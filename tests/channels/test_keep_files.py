import hashlib

import pytest

from channels import files
from channels.files import TooLarge, keep_file, read_file, safe_name, type_of
from channels.models import StoredFile

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_FOLDER = tmp_path


def test_the_same_bytes_are_kept_once(db):
    first, second = keep_file(b"a report"), keep_file(b"a report")

    assert first == second
    assert first.sha256 == hashlib.sha256(b"a report").hexdigest()
    assert first.size == 8
    assert read_file(first) == b"a report"
    assert StoredFile.objects.count() == 1


def test_no_half_written_file_stays_behind(db, tmp_path):
    keep_file(b"whole")

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [hashlib.sha256(b"whole").hexdigest()]


def test_more_than_a_file_may_have_is_refused(db, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 2**20)

    with pytest.raises(TooLarge, match="1 MB at most"):
        keep_file(bytes(2**20 + 1))


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (PNG, "image/png"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "application/pdf"),
        (b"just words", "text/plain"),
        ("Grüße".encode(), "text/plain"),
        (b"<html><script>alert(1)</script>", "text/html"),
        (b"  \n<!DOCTYPE html><p>", "text/html"),
        (b'<?xml version="1.0"?><svg onload="alert(1)">', "image/svg+xml"),
        ("<html>".encode("utf-16"), "text/html"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0", "text/calendar"),
        (b"", "application/x-empty"),
        (b"\x00\x01\x02\x03 nothing known", "application/octet-stream"),
    ],
    ids=["png", "pdf", "words", "utf8", "html", "doctype", "svg", "utf16", "calendar", "empty", "unknown"],
)
def test_what_a_file_is_is_told_by_its_content(content, type):
    assert type_of(content) == type


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("two\r\nlines.txt", "twolines.txt"),
        ("Con.txt", "_Con.txt"),
        (" .. ", "file"),
        ("", "file"),
        ('a<b>"c".txt', "a_b__c_.txt"),
        ("x" * 300 + ".gz", "x" * 117 + ".gz"),
    ],
    ids=["plain", "folders", "windows", "turned", "lines", "device", "dots", "empty", "signs", "long"],
)
def test_a_name_is_a_name_everywhere(name, safe):
    assert safe_name(name) == safe
