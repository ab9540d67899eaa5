"""How do kernels hand on many arrays at little cost? Each as a pointer and its lengths, without its seven fields.

Numba hands an array on field by field, and a tuple of arrays as all their fields: a function of forty arrays has some
three hundred parameters, and compiling takes as long as they are many. ``narrow`` makes columns of all the arrays of a
tuple; a function looks things up in a column as in an array. A column keeps nothing alive: whoever narrows an array
that nobody else holds calls ``hold`` where its columns are no longer needed.
"""

import operator
from typing import Any, TypeVar

import numba as nb
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import lower_builtin, lower_getattr, register_model
from numba.np.arrayobj import fix_integer_index

T = TypeVar("T")
_FIRST = {"target": "cpu"}
"""Rules of one kind of processor are tried before those of all: a look-up tries no rule that is not its own."""


class Column(types.Type):  # type: ignore[misc]
    """The type of an array of one or two dimensions, rows one after the other, that somebody else keeps alive."""

    def __init__(self, dtype: Any, ndim: int) -> None:
        """Name the type by what it holds."""
        self.dtype, self.ndim = dtype, ndim
        super().__init__(name=f"column({dtype}, {ndim})")


@register_model(Column)
class _Model(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Column) -> None:
        shape = types.UniTuple(types.intp, kind.ndim)
        super().__init__(manager, kind, [("data", types.CPointer(kind.dtype)), ("shape", shape)])


def narrow(value: T) -> T:
    """Return an array, or a tuple with all its arrays, as columns; in Python, the same."""
    return value


def hold(*values: Any) -> None:
    """Keep arrays alive up to here."""


def _narrowed(kind: Any) -> Any:
    """Return the type that narrowing makes of a type."""
    if isinstance(kind, types.Array):
        if kind.layout != "C" or kind.ndim > 2:
            raise nb.errors.TypingError(f"found {kind}, needed an array of one or two dimensions with its rows in turn")
        return Column(kind.dtype, kind.ndim)
    if isinstance(kind, types.BaseTuple):
        return types.BaseTuple.from_types([_narrowed(one) for one in kind], getattr(kind, "instance_class", None))
    return kind


@infer_global(narrow)
class _Narrow(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(_narrowed(args[0]), args[0])


@infer_global(hold)
class _Hold(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(types.none, *args)


@lower_builtin(narrow, types.Any)
def _lower_narrow(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _narrow(context, builder, sig.args[0], args[0])


def _narrow(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        column = cgutils.create_struct_proxy(_narrowed(kind))(context, builder)
        column.data, column.shape = array.data, array.shape
        return column._getvalue()
    if isinstance(kind, types.BaseTuple):
        parts = [_narrow(context, builder, one, builder.extract_value(value, k)) for k, one in enumerate(kind)]
        return context.make_tuple(builder, _narrowed(kind), parts)
    return value


@lower_builtin(hold, types.VarArg(types.Any))
def _lower_hold(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return context.get_dummy_value()


def _is_place(index: Any, ndim: int) -> bool:
    if isinstance(index, types.BaseTuple):
        return len(index) == ndim and all(isinstance(one, types.Integer) for one in index)
    return ndim == 1 and isinstance(index, types.Integer)


@infer_global(operator.getitem)
class _Get(AbstractTemplate):  # type: ignore[misc]
    metadata = _FIRST

    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Column) and _is_place(args[1], args[0].ndim):
            return signature(args[0].dtype, *args)
        if isinstance(args[0], Column) and isinstance(args[1], types.Integer):
            return signature(Column(args[0].dtype, 1), *args)
        return None


@infer_global(operator.setitem)
class _Set(AbstractTemplate):  # type: ignore[misc]
    metadata = _FIRST

    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Column) and _is_place(args[1], args[0].ndim):
            return signature(types.none, args[0], args[1], args[0].dtype)
        return None


@infer_global(len)
class _Length(AbstractTemplate):  # type: ignore[misc]
    metadata = _FIRST

    def generic(self, args: Any, kws: Any) -> Any:
        return signature(types.intp, *args) if isinstance(args[0], Column) else None


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    key = Column

    def resolve_shape(self, kind: Column) -> Any:
        return types.UniTuple(types.intp, kind.ndim)


@lower_builtin(len, Column)
def _lower_length(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.extract_value(args[0], (1, 0))


@lower_getattr(Column, "shape")
def _lower_shape(context: Any, builder: Any, kind: Column, value: Any) -> Any:
    return builder.extract_value(value, 1)


def _point(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Return the pointer to a place of a column; negative places count from the end."""
    index, kinds = [args[1]], [sig.args[1]]
    if isinstance(sig.args[1], types.BaseTuple):
        index, kinds = cgutils.unpack_tuple(builder, args[1]), list(sig.args[1])
    place = None
    for axis, (one, kind) in enumerate(zip(index, kinds, strict=True)):
        length = builder.extract_value(args[0], (1, axis))
        at = fix_integer_index(context, builder, kind, one, length)
        place = at if place is None else builder.add(builder.mul(place, length), at)
    return builder.gep(builder.extract_value(args[0], 0), [place])


@lower_builtin(operator.getitem, Column, types.Any)
def _lower_get(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    if isinstance(sig.return_type, Column):
        return _row(context, builder, sig, args)
    return context.unpack_value(builder, sig.args[0].dtype, _point(context, builder, sig, args))


def _row(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    count, length = builder.extract_value(args[0], (1, 0)), builder.extract_value(args[0], (1, 1))
    at = builder.mul(fix_integer_index(context, builder, sig.args[1], args[1], count), length)
    row = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    row.data = builder.gep(builder.extract_value(args[0], 0), [at])
    row.shape = context.make_tuple(builder, types.UniTuple(types.intp, 1), [length])
    return row._getvalue()


@lower_builtin(operator.setitem, Column, types.Any, types.Any)
def _lower_set(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    context.pack_value(builder, sig.args[2], args[2], _point(context, builder, sig, args))
    return context.get_dummy_value()
