"""Running somebody's model to look inside: in eval mode, with gradients, and leaving it as it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from undula.attribution.outputs import first_tensor, with_tensor
from undula.errors import OptionError, RangeError


@contextmanager
def studied(model: nn.Module) -> Iterator[None]:
    """Inside, the model is in eval mode and gradients are on, whatever the caller does; afterwards all is as before.

    Args:
        model: The model; the mode of each of its modules comes back, also after an error.

    Yields:
        Nothing.
    """
    modes = [(module, module.training) for module in model.modules()]
    # The fast path of nn.TransformerEncoderLayer calls no layer inside itself, so nothing could watch them.
    fast = torch.backends.mha.get_fastpath_enabled()
    with torch.inference_mode(False), torch.enable_grad():
        try:
            torch.backends.mha.set_fastpath_enabled(False)
            model.eval()
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            for module, training in modes:
                module.training = training


def predict(model: nn.Module, images: Tensor, arguments: Sequence[Any] = ()) -> Tensor:
    """The tensor that a model gives for images.

    Args:
        model: The model.
        images: Its first argument; the model gets a copy, which it may change in place.
        arguments: Its further arguments.

    Returns:
        `first_tensor` of the output.

    Raises:
        OptionError: The output holds no tensor.
    """
    given = [ordinary(each) if isinstance(each, Tensor) else each for each in arguments]
    states = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    if any(state.is_inference() for state in states.values()):
        usable = {name: ordinary(state) for name, state in states.items()}
        output = torch.func.functional_call(model, usable, (images.clone(), *given))
    else:
        output = model(images.clone(), *given)
    found = first_tensor(output)
    if found is None:
        raise OptionError(
            f"got an output of type {type(output).__name__} from the model, expected a tensor, or a tuple, mapping or "
            "dataclass with one: wrap the model in a module that returns it"
        )
    return found


@contextmanager
def copied(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Copies of what modules give, for methods without gradients.

    Args:
        modules: The modules by name.

    Yields:
        Activations by name, filled when the model runs: of a module that runs several times those of the last run.
    """
    with _hooked(modules, _copy) as kept:
        yield kept


@contextmanager
def linked(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What modules give, as tensors that gradients can be asked for: the model goes on with a copy of each.

    Later layers may change their input in place without touching what was kept. Activations that the model makes
    without gradients (a frozen network under `torch.no_grad`) become the beginnings of a graph.

    Args:
        modules: The modules by name.

    Yields:
        Activations by name, filled when the model runs: of a module that runs several times those of the last run.
    """
    with _hooked(modules, _link) as kept:
        yield kept


@contextmanager
def recorded(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, tuple[int, ...]]]:
    """Shapes of what modules give.

    Args:
        modules: The modules by name.

    Yields:
        Shapes by name, in the order in which the modules finished; those without a tensor of floats are left out.
    """
    with _hooked(modules, _shape) as kept:
        yield kept


def ordinary(tensor: Tensor) -> Tensor:
    """The tensor, or a copy of one made in inference mode, which autograd refuses."""
    return tensor.clone() if tensor.is_inference() else tensor


def check_finite(tensor: Tensor, what: str) -> None:
    """Refuse NaN and infinite values.

    Args:
        tensor: Values.
        what: What they are, for the message.

    Raises:
        RangeError: One is not finite.
    """
    if not torch.isfinite(tensor).all():
        count = int((~torch.isfinite(tensor)).sum())
        raise RangeError(f"got {count} values in {what} that are NaN or infinite, expected finite ones: run in float32")


@contextmanager
def _hooked(modules: Mapping[str, nn.Module], hook: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    kept: dict[str, Any] = {}
    handles = []
    try:
        for name, module in modules.items():
            handles.append(module.register_forward_hook(partial(hook, kept, name)))
        yield kept
    finally:
        for handle in handles:
            handle.remove()


def _copy(kept: dict[str, Tensor], name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
    found = first_tensor(output)
    if found is not None and _has_gradients(found):
        kept[name] = found.detach().clone()


def _link(kept: dict[str, Tensor], name: str, _module: nn.Module, _inputs: Any, output: Any) -> Any:
    found = first_tensor(output)
    if found is None or not _has_gradients(found):
        return None
    with torch.inference_mode(False), torch.enable_grad():
        kept[name] = found if found.requires_grad else ordinary(found.detach()).requires_grad_()
        return with_tensor(output, kept[name].clone())


def _shape(kept: dict[str, tuple[int, ...]], name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
    found = first_tensor(output)
    if found is not None and _has_gradients(found):
        kept.pop(name, None)
        kept[name] = tuple(found.shape)


def _has_gradients(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
