import re

import pytest

from tracking import tokens

TOKEN = "track_rAqzJcOeccLyJFGU8OTSHZgjwTe2e7nz"
WITH_SIGNS = "track_DMKGAJMrjR+Whjqon8FIkmoO8+INY0Pp"


def test_the_same_identity_has_the_same_token_in_a_project_and_another_one_elsewhere():
    token = tokens.for_identity("secret", "nora@example.com")
    assert token == tokens.for_identity("secret", "nora@example.com")
    assert token != tokens.for_identity("another", "nora@example.com")
    assert re.fullmatch(r"track_[A-Za-z0-9+/]{32}", token)


def test_identities_with_a_common_beginning_share_nothing():
    first, second = tokens.for_identity("s", "customer-0001"), tokens.for_identity("s", "customer-0002")
    assert first[:12] != second[:12]


def test_anonymous_tokens_are_all_different_and_of_one_form():
    made = {tokens.anonymous() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"track_[A-Za-z0-9+/]{32}", token) for token in made)


@pytest.mark.parametrize(
    ("_case", "sent", "read"),
    [
        ("nothing", None, None),
        ("empty", "", None),
        ("blank", " \t", None),
        ("a raw identity is only trimmed", "  nora+1@example.com ", "nora+1@example.com"),
        ("a raw identity keeps its spaces and signs", "a b%2Bc", "a b%2Bc"),
        ("a raw identity may begin like another word", "tracker 7", "tracker 7"),
        ("as issued", TOKEN, TOKEN),
        ("trimmed", f" {WITH_SIGNS}\n", WITH_SIGNS),
        ("plus turned into a space", WITH_SIGNS.replace("+", " "), WITH_SIGNS),
        ("a plus at the end turned into a space", "track_abcdefg ", "track_abcdefg+"),
        ("two of them", "track_abcdef  ", "track_abcdef++"),
        ("one of them, and a space too many", " track_abcdefg  ", "track_abcdefg+"),
        ("a space after a whole token", "track_abcdefgh ", "track_abcdefgh"),
        ("encoded twice", WITH_SIGNS.replace("+", "%2B"), WITH_SIGNS),
        ("encoded twice, lower case", WITH_SIGNS.replace("+", "%2b"), WITH_SIGNS),
        ("a slash encoded twice", "track_ab%2Fdefgh", "track_ab/defgh"),
        ("padding encoded twice", "track_abcdefg%3D", "track_abcdefg="),
        ("12 characters", "track_abcdefghijkl", "track_abcdefghijkl"),
        ("12 characters, padding lost", "track_abcdefghijk", "track_abcdefghijk="),
        ("24 characters", "track_" + "a" * 22 + "==", "track_" + "a" * 22 + "=="),
        ("24 characters, padding lost", "track_" + "a" * 22, "track_" + "a" * 22 + "=="),
        ("24 characters, half of the padding lost", "track_" + "a" * 22 + "=", "track_" + "a" * 22 + "=="),
        ("44 characters, padding lost", "track_" + "b" * 43, "track_" + "b" * 43 + "="),
        ("56 characters", "track_" + "c" * 56, "track_" + "c" * 56),
        ("56 characters, padding lost", "track_" + "c" * 55, "track_" + "c" * 55 + "="),
        ("a slash at the end taken for the path's", "track_" + "d" * 31, "track_" + "d" * 31 + "/"),
        ("no base64 at all", "track_abcde", "track_abcde"),
        ("the prefix alone", "track_", "track_"),
    ],
)
def test_reading_is_tolerant(_case, sent, read):
    assert tokens.read(sent) == read


def test_what_was_read_reads_the_same_again():
    for value in (TOKEN, WITH_SIGNS, "track_abcdefg", "track_abcde"):
        once = tokens.read(value)
        assert tokens.read(once) == once
