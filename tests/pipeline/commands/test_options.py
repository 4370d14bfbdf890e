from __future__ import annotations

import pytest

from pipeline.commands import options
from pipeline.commands.options import words


@pytest.mark.parametrize(
    ("given", "single"),
    [
        (None, ()),
        ([], ()),
        (["fp32"], ("fp32",)),
        (["fp32,fp16", "int8"], ("fp32", "fp16", "int8")),
        ([" fp32 , fp16 "], ("fp32", "fp16")),
        (["fp32,,", ""], ("fp32",)),
        (["int8", "int8"], ("int8", "int8")),
        (["litert-gpu[Soft,fp32],litert-web"], ("litert-gpu[Soft,fp32]", "litert-web")),
    ],
)
def test_commas_and_repetitions_are_the_same_and_blanks_are_no_words(given, single):
    assert words(given) == single


def test_the_defaults_lie_in_the_working_folder_so_that_two_projects_never_meet():
    assert not options.DEFAULT_WORKSPACE.is_absolute()
    assert not options.DEFAULT_OUT.is_absolute()
    assert options.DEFAULT_OUT != options.DEFAULT_WORKSPACE
