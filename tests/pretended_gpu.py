"""A GPU for tests where there is none: tensors that say they are on cuda:0, and refuse to meet those that aren't.

PyTorch's FakeTensorMode knows devices, too, but no values, so it stops at the first `int(tensor)`, of which selection
is full. Here the CPU does the arithmetic, with the CPU's numbers; only the device is pretended. Where FakeTensorMode
has an answer, `tests/neuroevo/test_devices.py` holds the rules of mixing against it.
"""

from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
Tensor = torch.Tensor


class OnGPU(torch.Tensor):
    """A tensor that claims to be on `GPU`."""


class Generator(torch.Generator):
    """A generator that claims to be where it was asked to be; it draws the CPU's numbers."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls)

    def __init__(self, device="cpu"):
        self.device = GPU if torch.device(device).type == "cuda" else CPU

    device = None  # hides the C property, which can't be set


@contextmanager
def pretended_gpu(monkeypatch):
    """Within the block this machine has one GPU, of which `monkeypatch` tells `torch.cuda`."""
    answers = {"is_available": True, "is_initialized": True, "device_count": 1, "get_device_name": "Pretended GPU"}
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, lambda *device, answer=answer: answer)
    for name in ("synchronize", "set_device", "empty_cache"):
        monkeypatch.setattr(torch.cuda, name, lambda *device: None)
    for name in dir(torch.optim.Optimizer):  # a torch built for CUDA asks the driver, before each step
        if name.endswith("graph_capture_health_check"):
            monkeypatch.setattr(torch.optim.Optimizer, name, lambda optimiser: None)
    monkeypatch.setattr(torch, "Generator", Generator)
    with _Devices():
        yield


class _Devices(TorchFunctionMode):
    """Sees every call from Python to torch: checks that what meets is on one device, and says where the result is."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunctionSubclass():
            if func == Tensor.device.__get__:
                return _where(args[0])
            if func == Tensor.is_cuda.__get__:
                return _where(args[0]) == GPU
            if func in (Tensor.numpy, Tensor.__array__) and _where(args[0]) == GPU:
                raise TypeError(f"can't convert {GPU} device type tensor to numpy. Use Tensor.cpu() first.")
            if func == Tensor.cpu:
                return _moved(args[0], CPU)
            if func == Tensor.to:
                return _to(*args, **kwargs)
            tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
            _check(func, args, tensors)
            place = GPU if any(_where(t) == GPU for t in tensors) else CPU
            if kwargs.get("device") is not None:
                place, kwargs = torch.device(kwargs["device"]), kwargs | {"device": CPU}
            generator = kwargs.get("generator")
            if generator is not None and generator.device.type != place.type:
                raise RuntimeError(f"Expected a '{place.type}' generator but found '{generator.device.type}'")
            result = func(*args, **kwargs)
            # What works in place gives back its own tensor, which must stay the same object.
            return tree_map(lambda leaf: (_moved if any(leaf is t for t in tensors) else _placed)(leaf, place), result)


def _where(tensor):
    return GPU if isinstance(tensor, OnGPU) or hasattr(tensor, "on_gpu") else CPU


def _placed(leaf, place):
    if not isinstance(leaf, Tensor):
        return leaf
    if leaf.is_sparse:  # it has no subclasses
        if place.type == "cuda":
            leaf.on_gpu = True
        return leaf
    return leaf.as_subclass(OnGPU if place.type == "cuda" else Tensor)


def _moved(tensor, place):
    """The tensor itself if it is there already, else a copy."""
    return tensor if _where(tensor).type == place.type else _placed(tensor.clone(), place)


def _to(tensor, *args, **kwargs):
    place, rest = _where(tensor), []
    for word in args:
        if isinstance(word, Tensor):
            place, word = _where(word), word.dtype
        elif isinstance(word, str | torch.device):
            place = torch.device(word)
            continue
        rest.append(word)
    if kwargs.get("device") is not None:
        place = torch.device(kwargs["device"])
    kwargs = {key: value for key, value in kwargs.items() if key != "device"}
    same = tensor.to(*rest, **kwargs) if rest or kwargs else tensor
    return _moved(same if same is tensor else _placed(same, _where(tensor)), place)


def _check(func, args, tensors):
    """CUDA's rules: a single number may come from the CPU, and so may indices; a copy crosses; nothing else mixes."""
    if len({_where(t) for t in tensors}) < 2 or func == Tensor.copy_:
        return
    if func in (Tensor.__getitem__, Tensor.__setitem__):
        indices = [leaf for leaf in tree_leaves(args[1]) if isinstance(leaf, Tensor) and leaf.dim()]
        crossing = [t for t in indices if _where(args[0]) == CPU and _where(t) == GPU]
        if indices and func == Tensor.__setitem__ and isinstance(args[2], Tensor) and args[2].dim():
            crossing += [args[2]] if _where(args[2]) != _where(args[0]) else []
    else:
        joins = (torch.cat, torch.stack, torch.bmm, torch.matmul)
        crossing = [t for t in tensors if _where(t) == CPU and (t.dim() or func in joins)]
    if crossing:
        raise RuntimeError(f"Expected all tensors to be on the same device, but {func.__name__} found cuda:0 and cpu")
