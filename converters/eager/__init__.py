"""The frameworks' own eager modes: the reference that every artifact is judged against, and files of their own.

Files of their own have a second runtime each, of other kernels: what a file alone is held against.
"""

from converters.contract import Format, RuntimeSpec

EDGES = ()
_TF = ("tensorflow-cpu",)
RUNTIMES = (
    RuntimeSpec(
        name="torch-eager",
        module="converters.eager.runtime",
        formats=(Format.TORCH,),
        worker="torch",
        packages=("torch",),
        reference=True,
    ),
    RuntimeSpec(
        name="keras-eager",
        module="converters.eager.runtime",
        formats=(Format.KERAS,),
        worker="tensorflow",
        packages=(*_TF, "keras"),
        reference=True,
    ),
    RuntimeSpec(
        name="torch-export",
        module="converters.eager.runtime",
        formats=(Format.PT2,),
        worker="torch",
        packages=("torch",),
    ),
    RuntimeSpec(  # PyTorch's own kernels in the place of oneDNN's
        name="torch-export-plain",
        module="converters.eager.runtime",
        formats=(Format.PT2,),
        worker="torch",
        packages=("torch",),
        yardstick=True,
    ),
    RuntimeSpec(
        name="tensorflow",
        module="converters.eager.runtime",
        formats=(Format.SAVEDMODEL,),
        worker="tensorflow",
        packages=_TF,
    ),
    RuntimeSpec(
        name="keras",
        module="converters.eager.runtime",
        formats=(Format.KERAS_FILE,),
        worker="tensorflow",
        packages=(*_TF, "keras"),
    ),
    RuntimeSpec(  # compiled by XLA
        name="tensorflow-xla",
        module="converters.eager.runtime",
        formats=(Format.SAVEDMODEL,),
        worker="tensorflow",
        packages=_TF,
        yardstick=True,
    ),
    RuntimeSpec(
        name="keras-xla",
        module="converters.eager.runtime",
        formats=(Format.KERAS_FILE,),
        worker="tensorflow",
        packages=(*_TF, "keras"),
        yardstick=True,
    ),
)
INSPECTORS = ()
