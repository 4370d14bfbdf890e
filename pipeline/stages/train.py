"""Stage `train`: a source model with its weights, trained here or captured from the user's own builder."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from converters.contract import Artifact, Framework, Precision, TensorSpec
from pipeline import beside
from pipeline.config import Limits, ModelConfig
from pipeline.datasets.dataset import Dataset
from pipeline.entries import write_artifact
from pipeline.models.signature import reference_signature
from pipeline.routes import SOURCE_FORMAT
from pipeline.store import digest, file_sha256
from pipeline.task import Context, Task, code, versions

WORKER = {Framework.TORCH: "torch", Framework.TENSORFLOW: "tensorflow"}
PACKAGES = {
    Framework.TORCH: ("torch",),
    Framework.TENSORFLOW: ("tensorflow-cpu", "keras"),
    Framework.ONNX: ("onnx", "onnxruntime"),
}
TRAINER = {
    Framework.TORCH: "pipeline.models.train_torch:train",
    Framework.TENSORFLOW: "pipeline.models.train_keras:train",
}


def train_task(
    model: ModelConfig, framework: Framework, data: Task, limits: Limits, *, name: str, full: bool = False
) -> Task:
    """Trains a reference model on the stored data; a killed training resumes from its last epoch."""
    options = {**model.training, **(model.full_training if full else {})}

    def work(context: Context) -> None:
        dataset = Dataset.open(context.needs["data"].folder)
        height, width, channels = dataset.image_shape
        shape = {"height": height, "width": width, "channels": channels, "classes": len(dataset.labels)}
        weights = context.folder / f"weights{SOURCE_FORMAT[framework].suffix}"
        arguments = {**model.arguments, **shape}
        context.scratch.mkdir(parents=True, exist_ok=True)
        metrics = context.call(
            WORKER[framework],
            TRAINER[framework],
            limits.train_s,
            on_progress=context.progress,
            builder=model.builders[framework],
            builder_args=arguments,
            data=context.needs["data"].folder,
            options=options,
            checkpoint=context.scratch,
            out=weights,
        )
        signature = reference_signature(framework, **shape)
        artifact = Artifact(
            path=weights,
            format=SOURCE_FORMAT[framework],
            precision=Precision.FP32,
            signature=signature,
            source=signature,
            model=name,
            framework=framework.value,
            builder=model.builders[framework],
            builder_args=arguments,
            sha256=file_sha256(weights),
            size_bytes=weights.stat().st_size,
        )
        write_artifact(context.folder, artifact, metrics)

    ingredients = {
        "model configuration": digest([model.builders, model.arguments, name]),
        "training options": digest(options),
        "code of the models": code("pipeline/models"),
        "packages": versions(PACKAGES[framework]),
    }
    return Task(
        f"train {name}_{framework}", "train", ingredients, work, {"data": data}, lane=WORKER[framework], exclusive=True
    )


def capture_task(
    builder: str, framework: Framework, inputs: tuple[TensorSpec, ...] | None, limits: Limits, *, name: str
) -> Task:
    """Calls the user's builder once and stores its weights and its signature."""

    def work(context: Context) -> None:
        artifact = context.call(
            WORKER[framework],
            "converters.source:capture",
            limits.reference_s,
            builder=builder,
            builder_args={},
            weights_out=context.folder / f"weights{SOURCE_FORMAT[framework].suffix}",
            inputs=inputs,
            framework=framework,
        )
        write_artifact(context.folder, dataclasses.replace(artifact, model=name, framework=framework.value))

    ingredients = {
        "the model's file and its folder": beside.state(Path(builder.rpartition(":")[0])),
        "builder and inputs": digest([builder, str(inputs), name]),
        "code of the sources": code("converters/*.py"),
        "packages": versions(PACKAGES[framework]),
    }
    return Task(f"load {name}_{framework}", "train", ingredients, work, lane=WORKER[framework])
