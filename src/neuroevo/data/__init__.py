"""Data sets in three parts: train, validation, and a test set that keeps count of its openings.

    images = data.mnist()
    x, y = images.train.sample(20, rng)          # 20 images of every digit, pixels in [0, 1]
    test = images.test.open("final score")       # prints that it was opened, and how often

MNIST (LeCun et al., 1998) is looked for in the folder given, else in `$NEUROEVO_DATA`, else in this user's
cache folder, and is downloaded there once. Without a network the same call returns scikit-learn's handwritten
digits at MNIST's size, with a notice that says so; `NEUROEVO_OFFLINE=1` rules the network out from the start.
A file that is there but broken is an error, never a reason for the fallback, and nothing is ever deleted.

`fashion_mnist()` is Fashion-MNIST in the same form; it has no stand-in.
`letters()` draws A to Z in the fonts that come with matplotlib; it needs no file of its own and no network.
A new data set gets a function in `loaders`, and its files a module of their own, as CIFAR-10's have `cifar`.
"""

from neuroevo.data.alphabet import Face, Letters, letters
from neuroevo.data.loaders import digits, fashion_mnist, mnist
from neuroevo.data.sources import DataError
from neuroevo.data.splits import ImageData, Split, TestVault
from neuroevo.data.vision import import_torchvision

__all__ = [
    "DataError",
    "Face",
    "ImageData",
    "Letters",
    "Split",
    "TestVault",
    "digits",
    "fashion_mnist",
    "import_torchvision",
    "letters",
    "mnist",
]
