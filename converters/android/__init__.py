"""The demo app as a runtime: on connected devices, and its own classes on a JVM of this machine."""

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
    RuntimeSpec(
        name="android-jvm",
        module="converters.android.runtime",
        formats=(Format.TFLITE, Format.ONNX, Format.ORT),
        worker="android-jvm",
        packages=(),
        devices="converters.android.jvm:devices",
        app="converters.android.jvm:self_check",
    ),
)
