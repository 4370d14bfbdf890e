"""The frameworks' own eager modes: the reference that every artifact is judged against."""

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
)
INSPECTORS = ()
