"""What Guenel et al. published: Table 1, Table S2 and their data set, in per cent.

S. Guenel, F. Aymanns, S. Honari, P. Ramdya, P. Fua, *Overcoming the Domain Gap in
Contrastive Learning of Neural Action Representations*, arXiv 2111.14595 (NeurIPS 2021
workshop on self-supervised learning). The journal version (IJCV 2022) may have other
numbers, which are not here.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "Guenel et al., arXiv 2111.14595, Table 1 and Table S2"


@dataclass(frozen=True)
class PublishedRow:
    """One line of their tables.

    Parameters
    ----------
    name
        What the paper calls it.
    ours
        Row of a comparison that stands for it; ``raw neural``, ``raw pose`` and
        ``uniform`` are the baselines of that name.
    actions
        Accuracy within an animal with half and all labels, then on a held-out animal
        likewise; None where nothing is printed.
    identity
        Accuracy of telling the animal, in the columns 0.5 and 1.0 of Table S2.
    """

    name: str
    ours: str
    actions: tuple[float | None, ...] = (None, None, None, None)
    identity: tuple[float | None, ...] = (None, None)


ACTION_COLUMNS = ("single_50", "single_100", "multi_50", "multi_100")
IDENTITY_COLUMNS = ("identity_50", "identity_100")

ROWS: tuple[PublishedRow, ...] = (
    PublishedRow("Random Guess", "uniform", (16.6,) * 4, (12.5, 12.5)),
    PublishedRow("Behavior (Linear)", "raw pose", identity=(88.6, 89.7)),
    PublishedRow("Neural (Linear)", "raw neural", (29.3, 32.5, 18.4, 18.4), (100, 100)),
    PublishedRow("Neural (MLP)", "raw neural, MLP", (None, None, 18.4, 18.4)),
    PublishedRow("SimCLR", "simclr", (54.3, 57.6, 46.9, 50.6), (69.9, 80.3)),
    PublishedRow(
        "Regression (Recurrent)",
        "regression_recurrent",
        (53.6, 59.7, 49.4, 51.2),
        (89.5, 91.8),
    ),
    PublishedRow(
        "Regression (Convolution)",
        "regression_conv",
        (52.6, 59.6, 50.6, 55.8),
        (88.7, 92.5),
    ),
    PublishedRow("BehaveNet", "behavenet", (54.6, 60.2, 50.5, 56.8), (80.2, 83.4)),
    PublishedRow("Ours", "guenel2022", (57.9, 63.3, 54.8, 61.9), (12.5, 12.5)),
    PublishedRow("SimCLR + MMD", "eq3_mmd", (53.6, 57.8, 50.1, 53.1), (18.4, 21.2)),
    PublishedRow("SimCLR + GRL", "eq3_grl", (53.5, 56.3, 49.9, 52.3), (16.7, 19.1)),
    PublishedRow(
        "Regression (Convolution) + MMD",
        "regression_conv_mmd",
        (54.5, 60.7, 52.6, 55.4),
    ),
    PublishedRow(
        "Regression (Convolution) + GRL",
        "regression_conv_grl",
        (55.5, 60.2, 51.8, 55.7),
    ),
)
"""In the order of the paper."""

METHOD_ROWS = (
    "guenel2022",
    "simclr",
    "regression_recurrent",
    "regression_conv",
    "behavenet",
    "eq3_mmd",
    "eq3_grl",
    "regression_conv_mmd",
    "regression_conv_grl",
)
"""Rows that are trained; the method of the paper comes first."""

N_ANIMALS, N_RECORDINGS, HOURS = 8, 133, 8.2
N_IMAGES, N_POSES = 476_000, 2_975_000

CAVEATS = (
    (
        "Chance is printed as 16.6 %, that of six actions, although eight are listed; "
        "which actions were judged is not known."
    ),
    (
        "18.4 % is printed four times, for the linear and the MLP probe of raw images "
        "alike: hardly four measurements."
    ),
    (
        "12.5 % in both columns of the identity of 'Ours' is exactly chance of eight "
        "animals; with 1,000 windows the standard error is 1.05 points, so that "
        "hitting it twice to a decimal is implausible."
    ),
    "'Behavioral MLP', named in the caption of Table 1, is not in it.",
    (
        "Accuracy within an animal is over four of the eight animals; which is not "
        "said. Ours is the mean over all that have labels."
    ),
    "The encoder saw the held-out animal, without labels (transductive), as here.",
    (
        "Learning rate, batch, stride of the windows, widths of the temporal filters "
        "and the ranges of most augmentations are not published; here they are this "
        "project's own."
    ),
    (
        "Identity is here the balanced accuracy of a linear probe over fresh "
        "recordings, balanced over animal and action; Table S2 has two columns (0.5 "
        "and 1.0), of which the second is compared."
    ),
)
"""What a reader must know before comparing."""
