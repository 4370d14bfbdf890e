"""The frameworks' own eager modes: the reference that every artifact is judged against, and files of their own."""

from converters.contract import Format, RuntimeSpec

EDGES = ()
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
        packages=("tensorflow-cpu", "keras"),
        reference=True,
    ),
    RuntimeSpec(
        name="torch-export",
        module="converters.eager.runtime",
        formats=(Format.PT2,),
        worker="torch",
        packages=("torch",),
    ),
    RuntimeSpec(
        name="tensorflow",
        module="converters.eager.runtime",
        formats=(Format.SAVEDMODEL,),
        worker="tensorflow",
        packages=("tensorflow-cpu",),
    ),
    RuntimeSpec(
        name="keras",
        module="converters.eager.runtime",
        formats=(Format.KERAS_FILE,),
        worker="tensorflow",
        packages=("tensorflow-cpu", "keras"),
    ),
)
INSPECTORS = ()
