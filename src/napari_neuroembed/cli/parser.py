"""The parser of the whole command line; a mistake is an error like any other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from napari_neuroembed.cli.flags import add_common
from napari_neuroembed.cli.verbs import VERBS, Verb
from napari_neuroembed.errors import ConfigError

PROGRAM = "neuroembed"
_ABOUT = "Embeddings of neural activity that say what the animal does, not which it is."


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are ConfigErrors."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of ending the process."""
        raise ConfigError(f"{message}. See `{self.prog} --help`.")


def build_parser(
    verbs: Sequence[Verb] = VERBS, loaded: Sequence[str] | None = None
) -> Parser:
    """Return the parser.

    Parameters
    ----------
    verbs
        The verbs to know.
    loaded
        Names of the verbs whose own arguments are wanted, because that imports their
        modules; default all.
    """
    parser = Parser(prog=PROGRAM, description=_ABOUT, allow_abbrev=False)
    parser.add_argument("--version", action="store_true", help="print the version")
    below = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    for verb in verbs:
        about = f"{verb.help[0].upper()}{verb.help[1:]}."
        one = below.add_parser(
            verb.name, help=verb.help, description=about, allow_abbrev=False
        )
        if loaded is None or verb.name in loaded:
            verb.load().add_arguments(verb.name, one)
            add_common(one)
    return parser
