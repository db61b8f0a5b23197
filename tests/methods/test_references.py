"""Every method knows its works, and every work is of something."""

from __future__ import annotations

import dataclasses
import re

import pytest

from napari_neuroembed.config import twin
from napari_neuroembed.data.readers import READERS
from napari_neuroembed.methods import METHODS, as_brought, references
from napari_neuroembed.methods.references import REFERENCES, bibliography
from napari_neuroembed.options.base import replace_path
from napari_neuroembed.reports.citations import method_keys, reader_keys
from napari_neuroembed.transforms import TRANSFORMS

LISTS = (
    references.TRANSFORM_REFERENCES,
    references.READER_REFERENCES,
    references.INDICATOR_REFERENCES,
    references.DOMAIN_REFERENCES,
)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_names_works_that_are_known(name):
    keys = METHODS[name].references
    assert keys
    assert set(keys) <= set(REFERENCES)


def test_every_work_is_of_something():
    used = {key for method in METHODS.values() for key in method.references}
    used |= {key for one in LISTS for keys in one.values() for key in keys}
    used |= set(references.CONTROL_REFERENCES)
    assert used == set(REFERENCES)


def test_lists_name_what_there_is():
    assert set(references.TRANSFORM_REFERENCES) <= set(TRANSFORMS)
    assert set(references.READER_REFERENCES) <= set(READERS)


@pytest.mark.parametrize("key", REFERENCES)
def test_an_entry_is_bibtex(key):
    one = REFERENCES[key]
    text = one.bibtex(key)
    assert text.count("{") == text.count("}")
    assert re.match(rf"@(article|misc|inproceedings){{{key},\n", text)
    assert {"title", "author", "year"} <= set(one.fields)
    assert re.fullmatch(r"(19|20)\d\d", one.fields["year"])
    assert one.fields["year"] in one.short
    assert key.endswith(one.fields["year"])
    for person in one.fields["author"].split(" and "):
        assert person == "others" or ", " in person, person


def test_exactly_the_works_of_what_was_used():
    config = twin()
    used = {name: set(method_keys(as_brought(config, name))) for name in METHODS}
    assert used["guenel2022"] == {"guenel2021", "guenel2022"}
    assert used["simclr"] == {"chen2020", "guenel2021", "guenel2022"}
    assert used["eq3_mmd"] == {"gretton2012", "guenel2021", "guenel2022"}
    assert used["eq3_grl"] == {"ganin2016", "guenel2021", "guenel2022"}
    assert used["behavenet"] == {"batty2019", "guenel2021", "guenel2022"}
    path = "augmentation.calcium_decay.indicator"
    measured = replace_path(as_brought(config, "guenel2022"), path, "gcamp6f")
    assert "chen2013" in method_keys(measured)
    own = replace_path(measured, "augmentation.calcium_decay.decay_s", 0.3)
    assert "chen2013" not in method_keys(own)
    elsewhere = dataclasses.replace(config, method="somebody_elses")
    assert method_keys(elsewhere) == []
    assert reader_keys(["tiff", "suite2p"]) == ["pachitariu2017"]


def test_a_bibliography_names_each_work_once():
    text = bibliography(["holm1979", "chen2020", "holm1979"])
    assert re.findall(r"^@\w+{(\w+),", text, re.M) == ["chen2020", "holm1979"]
