"""docs/tutorials/tutorial.md as an author follows it: its files, its changes and its commands, in their order."""

import pytest

import console_blocks
from tutorial import PAGE, PROJECT, VARIES, environment, sections


@pytest.mark.timeout(400)
def test_the_tutorial_works_line_by_line_as_it_is_printed(tmp_path, author_environment):
    typed = [command for section in sections(tmp_path / PROJECT) for command in section.typed]
    assert len(typed) > 25
    printed = console_blocks.run(typed, tmp_path, environment(author_environment), VARIES)
    assert console_blocks.differences(typed, printed, PAGE.name) == []


def test_the_page_has_the_time_of_each_section_with_what_is_read_and_typed_in_it(tmp_path):
    """The seconds are those of the run that the page names; the words and signs are the page's own."""
    shown = [line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    figures = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in shown[1:]}
    for section in sections(tmp_path / PROJECT):
        commands, seconds, words, signs, minutes = figures[section.title]
        assert (commands, words, signs) == (str(len(section.typed)), str(section.words), str(section.signs))
        assert minutes == f"{section.minutes(float(seconds)):.0f}"
    assert float(figures["together"][-1]) <= 60
