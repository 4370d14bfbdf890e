"""Runs a saved ML program in numpy, operator by operator.

Floats are held as float32. What the file declares as float16 is rounded to float16 after every operator, as hardware
that computes so stores it; `half` rounds every float so, whatever is declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.coreml.ops import KERNELS
from converters.coreml.program import Block, Constant, Named, Operation, Program, Type
from converters.errors import ModelError, UnsupportedError

Values = dict[str, Any]
MANY = frozenset({("concat", "values"), ("stack", "values"), ("einsum", "values"), ("while_loop", "loop_vars")})
"""Inputs that are lists of values, even of one."""
CONTROL = frozenset({"cond", "while_loop", "read_state", "write_state", "coreml_update_state"})


@dataclass(frozen=True)
class Step:
    """An operator made ready: constants in place, names of what is computed, names that nobody reads after it."""

    operation: Operation
    fixed: Mapping[str, Any]
    named: Mapping[str, tuple[str, ...] | str]
    blocks: tuple[tuple[Step, ...], ...] = ()
    dead: tuple[str, ...] = ()


class Interpreter:
    """A program ready to run. `constants` are all that stand in it, weights expanded; `steps` the other operators."""

    def __init__(self, program: Program, *, half: bool = False) -> None:
        """Reads constants and looks for operators that are not known.

        Raises:
            UnsupportedError: there are some; all are named.
        """
        unknown = sorted({op.type for op in program.block.walk()} - set(KERNELS) - CONTROL - {"const"})
        if unknown:
            raise UnsupportedError(f"the interpreter of ML programs has no operator {', '.join(unknown)}")
        self.program, self.half = program, half
        self.constants: Values = {}
        self.states: Values = {}
        self.steps = self._prepare(program.block, program.block.outputs)
        self.reset()

    @property
    def stateful(self) -> bool:
        """Whether values are kept from call to call."""
        return any(value.type.state for value in self.program.inputs)

    def reset(self) -> None:
        """Puts every state to zeros, as Core ML makes a new one."""
        for value in self.program.inputs:
            if value.type.state:
                shape = [1 if size is None else size for size in value.type.shape]
                self.states[value.name] = np.zeros(shape, _held(value.type))

    def run(self, inputs: Mapping[str, np.ndarray], keep: Iterable[str] = ()) -> Values:
        """The outputs, and the values of `keep`, by their names in the program, as the program declares them."""
        wanted = {*self.program.block.outputs, *keep}
        given = {value.name: value.type for value in self.program.inputs}
        values = {name: self.stored(value, given[name]) for name, value in inputs.items()}
        self.execute(self.steps, values, wanted)
        return {name: self.value(name, values) for name in wanted if name in values or name in self.constants}

    def execute(self, steps: Sequence[Step], values: Values, wanted: set[str] | None = None) -> None:
        """Runs steps on `values`, which their results are added to; what is dead and not wanted is dropped."""
        with np.errstate(all="ignore"):
            for step in steps:
                self._run(step, values)
                if wanted is not None:
                    for name in step.dead:
                        if name not in wanted:
                            values.pop(name, None)

    def value(self, name: str, values: Values) -> Any:
        """A value by name: computed, or a constant."""
        if name in values:
            return values[name]
        if name in self.constants:
            return self.constants[name]
        raise ModelError(f"{name!r} is read before anything makes it")

    def _prepare(self, block: Block, outputs: Iterable[str]) -> tuple[Step, ...]:
        steps = [step for op in block.operations if (step := self._step(op)) is not None]
        alive = set(outputs)
        for place in range(len(steps) - 1, -1, -1):
            read = set(_reads(steps[place])) | {value.name for value in steps[place].operation.outputs}
            steps[place] = Step(**{**vars(steps[place]), "dead": tuple(read - alive)})
            alive |= read
        return tuple(steps)

    def _step(self, op: Operation) -> Step | None:
        """The operator made ready; None where it is a constant, which is put to the others."""
        if op.type == "const":
            self.constants[op.outputs[0].name] = self._constant(op.attributes["val"])
            return None
        fixed: Values = {}
        named: dict[str, tuple[str, ...] | str] = {}
        for name, bindings in op.inputs.items():
            if len(bindings) == 1 and (op.type, name) not in MANY:
                self._bind(bindings[0], name, fixed, named)
            else:
                named[name] = tuple(self._name(item, op, name, i) for i, item in enumerate(bindings))
        if op.type.startswith("constexpr_"):
            fixed |= {name: self._constant(item) for name, item in op.attributes.items() if name != "name"}
            if named:
                raise ModelError(f"{op.type} reads {', '.join(map(str, named.values()))}, which is no constant")
            self._keep(op.outputs, self._results(op.outputs, KERNELS[op.type](**fixed)), self.constants)
            return None
        return Step(op, fixed, named, tuple(self._prepare(block, block.outputs) for block in op.blocks))

    def _bind(self, item: str | Constant, name: str, fixed: Values, named: dict[str, Any]) -> None:
        if isinstance(item, Constant):
            fixed[name] = self._constant(item)
        elif item in self.constants:
            fixed[name] = self.constants[item]
        else:
            named[name] = item

    def _name(self, item: str | Constant, op: Operation, name: str, place: int) -> str:
        if isinstance(item, str):
            return item
        made = f"{op.outputs[0].name}/{name}/{place}"
        self.constants[made] = self._constant(item)
        return made

    def _constant(self, constant: Constant) -> Any:
        value = constant.value
        return self.stored(value, constant.type) if isinstance(value, np.ndarray) else value

    def _run(self, step: Step, values: Values) -> None:
        op = step.operation
        if op.type in CONTROL:
            self._control(step, values)
            return
        arguments = {name: self._read(item, values) for name, item in step.named.items()}
        try:
            result = KERNELS[op.type](**{**step.fixed, **self._replaced(step, values)}, **arguments)
        except (TypeError, ValueError, IndexError, AssertionError, ZeroDivisionError) as error:
            raise ModelError(f"{op.type} that makes {op.outputs[0].name!r}: {error}") from error
        self._keep(op.outputs, self._results(op.outputs, result), values)

    def _replaced(self, step: Step, values: Values) -> Values:
        """Arguments that are constants of the program, where `values` holds others in their place."""
        names = ((name, step.operation.inputs.get(name, ())) for name in step.fixed)
        given = ((name, read[0]) for name, read in names if len(read) == 1)
        return {name: values[item] for name, item in given if isinstance(item, str) and item in values}

    def _control(self, step: Step, values: Values) -> None:
        op = step.operation
        if op.type == "cond":
            chosen = 0 if bool(self._argument(step, "pred", values)) else 1
            self.execute(step.blocks[chosen], values)
            results = [self.value(name, values) for name in op.blocks[chosen].outputs]
        elif op.type == "while_loop":
            results = self._loop(step, values)
        elif op.type == "read_state":
            results = [self.states[str(step.named["input"])].copy()]
        else:
            state = str(step.named["input" if "input" in step.named else "state"])
            given = "data" if "data" in {*step.named, *step.fixed} else "value"
            self.states[state] = np.array(self._argument(step, given, values))
            results = [self.states[state].copy()][: len(op.outputs)]
        self._keep(op.outputs, results, values)

    def _loop(self, step: Step, values: Values) -> list[Any]:
        condition, body = step.operation.blocks
        carried = [self.value(name, values) for name in step.named["loop_vars"]]
        while True:
            values |= {value.name: item for value, item in zip(condition.inputs, carried, strict=True)}
            self.execute(step.blocks[0], values)
            if not bool(self.value(condition.outputs[0], values)):
                return carried
            values |= {value.name: item for value, item in zip(body.inputs, carried, strict=True)}
            self.execute(step.blocks[1], values)
            carried = [self.value(name, values) for name in body.outputs]

    def _argument(self, step: Step, name: str, values: Values) -> Any:
        return step.fixed[name] if name in step.fixed else self._read(step.named[name], values)

    def _read(self, item: tuple[str, ...] | str, values: Values) -> Any:
        return self.value(item, values) if isinstance(item, str) else [self.value(name, values) for name in item]

    def _results(self, outputs: Sequence[Named], result: Any) -> Sequence[Any]:
        """What a kernel gave as one value an output; a tuple that is one output is a list of tensors."""
        return result if isinstance(result, list) or len(outputs) > 1 else [result]

    def _keep(self, outputs: Sequence[Named], results: Sequence[Any], values: Values) -> None:
        for output, item in zip(outputs, results, strict=True):
            values[output.name] = self.stored(item, output.type) if output.type.dtype else item

    def stored(self, value: Any, type: Type | None) -> Any:
        """A value as the interpreter holds it: of the declared type, floats as float32 with what rounding is asked."""
        if type is None or type.dtype == "string":
            return value
        array = np.asarray(value)
        if type.dtype == "float16" or (self.half and type.dtype == "float32"):
            array = array.astype(np.float16)
        return array.astype(_held(type), copy=False)


def _held(type: Type) -> np.dtype:
    return np.dtype("float32" if type.stored in ("float16", "float64") else type.stored)


def _reads(step: Step) -> Iterable[str]:
    """The names that a step reads, and its inner blocks."""
    for item in step.named.values():
        yield from (item,) if isinstance(item, str) else item
    for block, steps in zip(step.operation.blocks, step.blocks, strict=True):
        yield from block.outputs
        for inner in steps:
            yield from _reads(inner)
