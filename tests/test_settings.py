from pathlib import Path

import pytest

from docproc.errors import Usage
from docproc.settings import Settings


def test_every_setting_is_read_from_its_variable():
    found = Settings.from_environment({"DOCPROC_MAX_PAGES": "7", "DOCPROC_DATA_DIR": "/somewhere", "HOME": "/x"})
    assert (found.max_pages, found.data_dir) == (7, Path("/somewhere"))
    assert found.page_seconds == Settings().page_seconds


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DOCPROC_MAX_PAEGS", "7", "no setting DOCPROC_MAX_PAEGS"),
        ("DOCPROC_MAX_PAGES", "many", "not of the right kind"),
        ("DOCPROC_MAX_PAGES", "-1", "negative"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(name, value, message):
    with pytest.raises(Usage, match=message):
        Settings.from_environment({name: value})


def test_variables_of_the_tests_are_none_of_ours():
    assert Settings.from_environment({"DOCPROC_TEST_REQUIRE": "poppler"}) == Settings()


def test_every_setting_has_a_help():
    assert all(text for _, _, text in Settings.table())
