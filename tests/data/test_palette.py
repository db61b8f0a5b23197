import pytest

from napari_neuroembed.data import palette


def test_animals_and_actions_share_no_colour():
    assert not set(palette.ANIMALS) & set(palette.ACTIONS)
    assert palette.UNLABELLED not in palette.ANIMALS + palette.ACTIONS


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_paper_and_panel(theme):
    colors = palette.THEMES[theme]
    for ink, ground in [
        ("text", "paper"),
        ("text", "panel"),
        ("muted", "paper"),
        ("muted", "panel"),
        ("accent", "paper"),
    ]:
        assert palette.contrast(colors[ink], colors[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("color", palette.ANIMALS + palette.ACTIONS)
def test_lines_of_every_colour_show_on_the_paper(theme, color):
    paper = palette.THEMES[theme]["paper"]
    assert palette.contrast(palette.line_color(color, theme), paper) >= 3.0


def test_the_eighth_animal_is_white_on_dark_paper():
    assert palette.animal_mark(7, "dark").color == "#FFFFFF"
    assert palette.animal_mark(7, "light").color == "#000000"


def test_colours_repeat_with_another_mark_when_used_up():
    assert palette.animal_mark(8) == (palette.ANIMALS[0], 1)
    assert palette.action_mark(9) == (palette.ACTIONS[0], 1)
    assert palette.action_mark(8) == (palette.ACTIONS[8], 0)


def test_the_signed_map_is_equally_light_on_both_sides_of_zero():
    light = [palette.luminance(color) for color in palette.DIVERGING]
    middle = len(light) // 2
    assert light.index(max(light)) == middle
    assert light[:middle] == sorted(light[:middle])
    for below, above in zip(light, reversed(light), strict=True):
        assert abs(below - above) < 0.06
