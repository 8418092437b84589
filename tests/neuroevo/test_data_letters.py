"""The letters: that every face draws letters, no two faces the same, and that a split parts families."""

import matplotlib
import numpy as np
import pytest
import torch

from neuroevo import data
from neuroevo.data import fonts


@pytest.fixture(scope="module")
def plain():
    return data.letters()


@pytest.fixture(scope="module")
def every():
    return data.letters(variants=tuple(fonts.VARIANTS))


def images(letters):
    return letters.x.view(len(letters.faces), 26, letters.size, letters.size)


def test_thirty_faces_and_more(plain, every):
    assert len(plain.faces) == 35
    assert len(plain.families) == 11
    assert len(every.faces) == 280
    assert len({(f.family, f.style, f.variant) for f in every.faces}) == 280
    assert repr(plain) == "Letters(910 images of 32x32: 35 faces, 11 families)"


def test_rows_stand_face_by_face_from_a_to_z(plain):
    assert plain.x.dtype == torch.uint8
    assert plain.x.shape == (910, 1024)
    assert torch.equal(plain.y, torch.arange(26).repeat(35))
    assert torch.equal(plain.face, torch.arange(35).repeat_interleave(26))


def test_no_two_faces_and_no_two_letters_are_the_same_picture(every):
    # A font without a letter draws the same box for all of them.
    pictures = {row.numpy().tobytes() for row in every.x}
    assert len(pictures) == len(every)


def test_every_letter_is_whole_and_in_the_middle(every):
    ink = images(every) > 0
    for edge in (ink[:, :, 0], ink[:, :, -1], ink[:, :, :, 0], ink[:, :, :, -1]):
        assert not edge.any()
    for axis in (2, 3):
        lit = ink.any(dim=axis).int()
        first, last = lit.argmax(dim=2), 31 - lit.flip(2).argmax(dim=2)
        assert (first + last - 31).abs().max() <= 1
        assert (last - first).min() >= 1  # a condensed I


def test_ink_is_255_and_the_letters_stand_upright(plain):
    regular = images(plain)[0].float()
    assert plain.x.max() == 255
    assert plain.x.float().mean() < 0.2 * 255
    a, l_, f = regular[0], regular[11], regular[5]
    assert a[:10].sum() < a[-10:].sum()
    assert l_[:16].sum() < l_[16:].sum()  # its foot is at the bottom
    assert f[:16].sum() > f[16:].sum()
    assert l_[:, :16].sum() > l_[:, 16:].sum()  # and its stem on the left


def test_a_variant_is_what_it_says(every):
    pictures = images(every).float()
    place = {(f.family, f.style, f.variant): i for i, f in enumerate(every.faces)}

    def of(variant):
        return pictures[place["DejaVu Sans", "regular", variant]]

    def width(picture):
        return int((picture > 0).any(dim=1).any(dim=0).sum())

    h, i = 7, 8
    assert of("heavy").sum() > 1.2 * of("plain").sum()
    assert width(of("condensed")[[h]]) < 0.8 * width(of("plain")[[h]]) + 1
    columns = torch.arange(32.0)

    def middle(rows):
        return float((rows.sum(dim=0) * columns).sum() / rows.sum())

    slanted = of("slanted")[i]
    assert middle(slanted[:16]) > middle(slanted[16:]) + 1
    assert abs(middle(of("plain")[i][:16]) - middle(of("plain")[i][16:])) < 0.1


def test_a_larger_image_holds_the_same_letters(plain):
    large = data.letters(64)
    halved = torch.nn.functional.avg_pool2d(large.x.float().view(910, 1, 64, 64), 2).flatten(1)
    difference = (halved - plain.x.float()).abs()
    assert difference.mean() < 1
    assert torch.cdist(halved, plain.x.float()).argmin(dim=1).eq(torch.arange(910)).all()


def test_images_do_not_depend_on_the_style_of_figures(plain):
    with matplotlib.rc_context(
        {"font.size": 30, "path.simplify": False, "path.snap": False, "text.hinting": "default"}
    ):
        again = data.letters()
    assert torch.equal(again.x, plain.x)


def test_the_nearest_faces_of_two_families_are_far_apart(plain):
    """A pair of faces nearer than this is one drawing under two names, and belongs to one family."""
    faces = images(plain).float().flatten(1)
    distance = torch.cdist(faces, faces, p=1) / faces.shape[1]
    family = np.array([face.family for face in plain.faces])
    other = torch.from_numpy(family[:, None] != family[None])
    assert distance[other].min() > 7


def test_a_font_without_letters_is_refused():
    with pytest.raises(ValueError, match=r"has no character U\+0041 for A"):
        fonts.outline(fonts.Source("none", "none", "STIXSizOneSymReg.ttf"), "A")


def test_a_split_parts_families(plain):
    split = plain.split(["STIX", "Script"], ["Fraktur"], ["DejaVu Sans"])
    assert (len(split.train), len(split.validation), split.test.n_images) == (5 * 26, 2 * 26, 8 * 26)
    assert split.n_classes == 26
    test = split.test.open("count")
    assert torch.equal(test.x, plain.x[: 8 * 26])
    assert torch.equal(split.train.per_class[25], torch.arange(25, 130, 26))


def test_variants_are_trained_on_and_never_tested_on(every):
    split = every.split(["STIX"], ["Fraktur"], ["Script"])
    assert len(split.train) == 4 * 8 * 26
    assert len(split.validation) == 2 * 26
    assert split.test.n_images == 26
    assert len(every.split(["STIX"], ["Fraktur"], ["Script"], ["plain", "heavy"]).train) == 4 * 2 * 26


def test_a_family_in_two_parts_is_refused(plain):
    with pytest.raises(ValueError, match="STIX stands in train and in test"):
        plain.split(["STIX", "Script"], ["Fraktur"], ["STIX"])


def test_names_that_are_not_there_are_refused(plain):
    with pytest.raises(ValueError, match="not known: Helvetica"):
        plain.of(["Helvetica"])
    with pytest.raises(ValueError, match="not known: 'STIX'"):
        plain.of("STIX")
    with pytest.raises(ValueError, match="not known: heavy"):
        plain.of(["STIX"], ["heavy"])
    with pytest.raises(ValueError, match="not known: bold"):
        data.letters(variants=["bold"])
    with pytest.raises(ValueError, match="from 8 to 512"):
        data.letters(size=4)
