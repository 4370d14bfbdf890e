"""LiteRT.js: the same .tflite files in a headless browser, by XNNPACK in wasm or by WebGPU."""

from converters.contract import Format, RuntimeSpec

RUNTIMES = (
    RuntimeSpec(
        name="litert-web",
        module="converters.litert_web.runtime",
        formats=(Format.TFLITE,),
        worker="browser",
        packages=("ai-edge-litert",),
        devices="converters.devices.browser:devices",
    ),
)
