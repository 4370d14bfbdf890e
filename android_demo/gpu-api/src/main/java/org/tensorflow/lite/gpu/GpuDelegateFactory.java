package org.tensorflow.lite.gpu;

/**
 * The options that the GPU delegate of TensorFlow Lite 2.16.1 asks for when it is made.
 *
 * <p>Its own artifact, tensorflow-lite-gpu-api, is not on Maven Central, and without these types the delegate cannot be
 * loaded. Written anew from what its class file calls. The Gradle build takes LiteRT's own.
 */
public class GpuDelegateFactory {
    private GpuDelegateFactory() {}

    public static class Options {
        /** Which of its implementations the delegate uses. */
        public enum GpuBackend {
            UNSET(0);

            private final int value;

            GpuBackend(int value) {
                this.value = value;
            }

            public int value() {
                return value;
            }
        }

        /** Compiled once, called often. */
        private static final int SUSTAINED_SPEED = 1;

        private boolean precisionLossAllowed = true;

        /** Whether float32 may be computed as float16; it is by default. */
        public Options setPrecisionLossAllowed(boolean allowed) {
            precisionLossAllowed = allowed;
            return this;
        }

        public boolean isPrecisionLossAllowed() {
            return precisionLossAllowed;
        }

        public boolean areQuantizedModelsAllowed() {
            return true;
        }

        public int getInferencePreference() {
            return SUSTAINED_SPEED;
        }

        public String getSerializationDir() {
            return null;
        }

        public String getModelToken() {
            return null;
        }

        public GpuBackend getForceBackend() {
            return GpuBackend.UNSET;
        }
    }
}
