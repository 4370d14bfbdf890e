"""The demo app as a runtime: on connected devices, where it checks a whole bundle by its own code."""

from converters.contract import Format, RuntimeSpec

RUNTIMES = (
    RuntimeSpec(
        name="android",
        module="converters.android.phone",
        formats=(Format.TFLITE, Format.ONNX),
        worker="android",
        packages=(),
        devices="converters.android.adb:devices",
        self_check="converters.android.phone:self_check",
    ),
)
