"""Images moved and made smaller."""

import pytest
import torch

from neuroevo import data
from neuroevo.data import transforms


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def test_shrunk_pixels_are_means_of_four():
    x = torch.zeros(2, 784, dtype=torch.uint8)
    x[0, [0, 1, 28, 29]] = torch.tensor([10, 20, 30, 41], dtype=torch.uint8)  # one corner: 25.25
    x[1, 783] = 255  # the other: 63.75
    small = transforms.shrink(data.Split(x, torch.tensor([3, 4])))
    assert small.x.dtype == torch.uint8
    assert small.x.shape == (2, 196)
    assert small.x[:, [0, 195]].tolist() == [[25, 0], [0, 64]]
    assert small.x.sum() == 25 + 64
    assert small.y.tolist() == [3, 4]


def test_moved_pictures_go_where_they_should():
    x = torch.zeros(1, 81)
    x.view(9, 9)[2:5, 3:5] = torch.tensor([[1.0, 0.5], [0.25, 0.0], [1.0, 1.0]])
    picture = x.view(9, 9)
    for right, down in ((2, 0), (-1, 0), (0, 3), (1, -2)):
        expected = picture.roll((down, right), (0, 1))
        torch.testing.assert_close(transforms.moved(x, right, down).view(9, 9), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(transforms.moved(x, degrees=90).view(9, 9), picture.rot90(), atol=1e-5, rtol=0)
    both = transforms.moved(transforms.moved(x, degrees=90), right=1)
    torch.testing.assert_close(transforms.moved(x, 1, 0, 90), both, atol=1e-5, rtol=0)
    two = transforms.moved(x.repeat(2, 1), torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(two[0], x[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(two[1].view(9, 9), picture.roll(1, 1), atol=1e-5, rtol=0)


def test_shift_moves_every_image_by_its_own_amount(rng):
    x = torch.zeros(200, 784)
    x[:, 400] = 1
    moved = transforms.shift(x, 1, rng)
    assert (moved.sum(dim=1) == 1).all()
    assert set((moved.argmax(dim=1) - 400).tolist()) == {
        28 * down + right for down in (-1, 0, 1) for right in (-1, 0, 1)
    }
    assert torch.equal(transforms.shift(x, 0, rng), x)
    corner = torch.zeros(50, 784)
    corner[:, 0] = 1
    assert 0 < transforms.shift(corner, 1, rng).sum() < 50  # what leaves doesn't come back on the other side
