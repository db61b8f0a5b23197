"""Who is to be cited for what: one BibTeX entry per work, and what stands on it.

A method names its works (:attr:`Method.references`); what is chosen by name elsewhere
(transforms, readers, indicators, domain terms) is listed here by that name, because
those layers know of no paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Reference:
    """One work.

    Parameters
    ----------
    short
        How a text names it, e.g. ``Chen et al. 2020``.
    kind
        Kind of BibTeX entry, e.g. ``article``.
    fields
        Its fields in order, names in the form ``Family, Given and ...``.
    """

    short: str
    kind: str
    fields: Mapping[str, str]

    def bibtex(self, key: str) -> str:
        """Return the entry.

        Examples
        --------
        >>> print(REFERENCES["holm1979"].bibtex("holm1979").splitlines()[0])
        @article{holm1979,
        """
        lines = [f"  {name} = {{{text}}}," for name, text in self.fields.items()]
        return "\n".join([f"@{self.kind}{{{key},", *lines, "}"])

    @property
    def title(self) -> str:
        """Title without the braces that keep capitals."""
        return re.sub(r"[{}]", "", self.fields["title"])

    @property
    def link(self) -> str:
        """Where it can be read."""
        if "doi" in self.fields:
            return f"https://doi.org/{self.fields['doi']}"
        if "eprint" in self.fields:
            return f"https://arxiv.org/abs/{self.fields['eprint']}"
        return self.fields.get("url", "")


_GUENEL = (
    'G{\\"u}nel, Semih and Aymanns, Florian and Honari, Sina and Ramdya, Pavan and '
    "Fua, Pascal"
)

REFERENCES: dict[str, Reference] = {
    "guenel2021": Reference(
        "Günel et al. 2021",
        "misc",
        {
            "title": "Overcoming the Domain Gap in Contrastive Learning of Neural "
            "Action Representations",
            "author": _GUENEL,
            "year": "2021",
            "eprint": "2111.14595",
            "archiveprefix": "arXiv",
        },
    ),
    "guenel2022": Reference(
        "Günel et al. 2022",
        "article",
        {
            "title": "Overcoming the Domain Gap in Neural Action Representations",
            "author": _GUENEL,
            "journal": "International Journal of Computer Vision",
            "year": "2022",
            "doi": "10.1007/s11263-022-01713-6",
        },
    ),
    "chen2020": Reference(
        "Chen et al. 2020",
        "inproceedings",
        {
            "title": "A Simple Framework for Contrastive Learning of Visual "
            "Representations",
            "author": "Chen, Ting and Kornblith, Simon and Norouzi, Mohammad and "
            "Hinton, Geoffrey",
            "booktitle": "International Conference on Machine Learning",
            "year": "2020",
            "eprint": "2002.05709",
            "archiveprefix": "arXiv",
        },
    ),
    "ganin2016": Reference(
        "Ganin et al. 2016",
        "article",
        {
            "title": "Domain-Adversarial Training of Neural Networks",
            "author": "Ganin, Yaroslav and Ustinova, Evgeniya and Ajakan, Hana and "
            "Germain, Pascal and Larochelle, Hugo and Laviolette, Fran{\\c{c}}ois and "
            "Marchand, Mario and Lempitsky, Victor",
            "journal": "Journal of Machine Learning Research",
            "volume": "17",
            "number": "59",
            "pages": "1--35",
            "year": "2016",
            "eprint": "1505.07818",
            "archiveprefix": "arXiv",
        },
    ),
    "gretton2012": Reference(
        "Gretton et al. 2012",
        "article",
        {
            "title": "A Kernel Two-Sample Test",
            "author": "Gretton, Arthur and Borgwardt, Karsten M. and Rasch, Malte J. "
            'and Sch{\\"o}lkopf, Bernhard and Smola, Alexander',
            "journal": "Journal of Machine Learning Research",
            "volume": "13",
            "pages": "723--773",
            "year": "2012",
        },
    ),
    "batty2019": Reference(
        "Batty et al. 2019",
        "inproceedings",
        {
            "title": "{BehaveNet}: nonlinear embedding and {Bayesian} neural decoding "
            "of behavioral videos",
            "author": "Batty, Eleanor and Whiteway, Matthew and Saxena, Shreya and "
            "Biderman, Dan and Abe, Taiga and Musall, Simon and Gillis, Winthrop and "
            "Markowitz, Jeffrey and Churchland, Anne and Cunningham, John P. and "
            "others",
            "booktitle": "Advances in Neural Information Processing Systems",
            "volume": "32",
            "year": "2019",
        },
    ),
    "belrose2023": Reference(
        "Belrose et al. 2023",
        "inproceedings",
        {
            "title": "{LEACE}: Perfect linear concept erasure in closed form",
            "author": "Belrose, Nora and Schneider-Joseph, David and Ravfogel, Shauli "
            "and Cotterell, Ryan and Raff, Edward and Biderman, Stella",
            "booktitle": "Advances in Neural Information Processing Systems",
            "volume": "36",
            "year": "2023",
            "eprint": "2306.03819",
            "archiveprefix": "arXiv",
        },
    ),
    "sun2016": Reference(
        "Sun et al. 2016",
        "inproceedings",
        {
            "title": "Return of Frustratingly Easy Domain Adaptation",
            "author": "Sun, Baochen and Feng, Jiashi and Saenko, Kate",
            "booktitle": "AAAI Conference on Artificial Intelligence",
            "pages": "2058--2065",
            "year": "2016",
            "doi": "10.1609/aaai.v30i1.10306",
            "eprint": "1511.05547",
            "archiveprefix": "arXiv",
        },
    ),
    "pachitariu2017": Reference(
        "Pachitariu et al. 2017",
        "misc",
        {
            "title": "{Suite2p}: beyond 10,000 neurons with standard two-photon "
            "microscopy",
            "author": "Pachitariu, Marius and Stringer, Carsen and Dipoppa, Mario and "
            'Schr{\\"o}der, Sylvia and Rossi, L. Federico and Dalgleish, Henry and '
            "Carandini, Matteo and Harris, Kenneth D.",
            "howpublished": "bioRxiv",
            "year": "2017",
            "doi": "10.1101/061507",
        },
    ),
    "giovannucci2019": Reference(
        "Giovannucci et al. 2019",
        "article",
        {
            "title": "{CaImAn} an open source tool for scalable calcium imaging data "
            "analysis",
            "author": "Giovannucci, Andrea and Friedrich, Johannes and Gunn, Pat and "
            "others",
            "journal": "eLife",
            "volume": "8",
            "pages": "e38173",
            "year": "2019",
            "doi": "10.7554/eLife.38173",
        },
    ),
    "guenel2019": Reference(
        "Günel et al. 2019",
        "article",
        {
            "title": "{DeepFly3D}, a deep learning-based approach for {3D} limb and "
            "appendage tracking in tethered, adult {Drosophila}",
            "author": 'G{\\"u}nel, Semih and Rhodin, Helge and Morales, Daniel and '
            "Campagnolo, Jo{\\~a}o and Ramdya, Pavan and Fua, Pascal",
            "journal": "eLife",
            "volume": "8",
            "pages": "e48571",
            "year": "2019",
            "doi": "10.7554/eLife.48571",
        },
    ),
    "mathis2018": Reference(
        "Mathis et al. 2018",
        "article",
        {
            "title": "{DeepLabCut}: markerless pose estimation of user-defined body "
            "parts with deep learning",
            "author": "Mathis, Alexander and Mamidanna, Pranav and Cury, Kevin M. and "
            "Abe, Taiga and Murthy, Venkatesh N. and Mathis, Mackenzie Weygandt and "
            "Bethge, Matthias",
            "journal": "Nature Neuroscience",
            "volume": "21",
            "pages": "1281--1289",
            "year": "2018",
            "doi": "10.1038/s41593-018-0209-y",
        },
    ),
    "pereira2022": Reference(
        "Pereira et al. 2022",
        "article",
        {
            "title": "{SLEAP}: A deep learning system for multi-animal pose tracking",
            "author": "Pereira, Talmo D. and Tabris, Nathaniel and Matsliah, Arie and "
            "others",
            "journal": "Nature Methods",
            "volume": "19",
            "pages": "486--495",
            "year": "2022",
            "doi": "10.1038/s41592-022-01426-1",
        },
    ),
    "chen2013": Reference(
        "Chen et al. 2013",
        "article",
        {
            "title": "Ultrasensitive fluorescent proteins for imaging neuronal "
            "activity",
            "author": "Chen, Tsai-Wen and Wardill, Trevor J. and Sun, Yi and others",
            "journal": "Nature",
            "volume": "499",
            "pages": "295--300",
            "year": "2013",
            "doi": "10.1038/nature12354",
        },
    ),
    "dana2019": Reference(
        "Dana et al. 2019",
        "article",
        {
            "title": "High-performance calcium sensors for imaging activity in "
            "neuronal populations and microcompartments",
            "author": "Dana, Hod and Sun, Yi and Mohar, Boaz and others",
            "journal": "Nature Methods",
            "volume": "16",
            "pages": "649--657",
            "year": "2019",
            "doi": "10.1038/s41592-019-0435-6",
        },
    ),
    "zhang2023": Reference(
        "Zhang et al. 2023",
        "article",
        {
            "title": "Fast and sensitive {GCaMP} calcium indicators for imaging neural "
            "populations",
            "author": "Zhang, Yan and R{\\'o}zsa, M{\\'a}rton and Liang, Yajie and "
            "others",
            "journal": "Nature",
            "volume": "615",
            "pages": "884--891",
            "year": "2023",
            "doi": "10.1038/s41586-023-05828-9",
        },
    ),
    "holm1979": Reference(
        "Holm 1979",
        "article",
        {
            "title": "A Simple Sequentially Rejective Multiple Test Procedure",
            "author": "Holm, Sture",
            "journal": "Scandinavian Journal of Statistics",
            "volume": "6",
            "pages": "65--70",
            "year": "1979",
        },
    ),
}
"""Every work by its BibTeX key."""

TRANSFORM_REFERENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"leace": ("belrose2023",), "coral": ("sun2016",)}
)
"""By transform; the others are the project's own."""

READER_REFERENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "suite2p": ("pachitariu2017",),
        "caiman": ("giovannucci2019",),
        "df3d": ("guenel2019",),
        "deeplabcut": ("mathis2018",),
        "deeplabcut_h5": ("mathis2018",),
        "sleap": ("pereira2022",),
    }
)
"""By reader: the program whose results it reads."""

INDICATOR_REFERENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("gcamp6s", "gcamp6f"), ("chen2013",)),
        "gcamp7f": ("dana2019",),
        **dict.fromkeys(("gcamp8s", "gcamp8m", "gcamp8f"), ("zhang2023",)),
    }
)
"""By indicator: where its time constants were measured."""

DOMAIN_REFERENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"mmd": ("gretton2012",), "adversarial": ("ganin2016",)}
)
"""By ``method_options.domain``."""

CONTROL_REFERENCES = ("holm1979",)
"""What the verdicts over all controls of an evaluation stand on."""


def bibliography(keys: Iterable[str]) -> str:
    """Return the entries of some works, each once, by key.

    Examples
    --------
    >>> bibliography([])
    ''
    """
    entries = [REFERENCES[key].bibtex(key) for key in sorted(set(keys))]
    return "\n\n".join(entries) + ("\n" if entries else "")
