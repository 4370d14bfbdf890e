package org.tensorflow.lite;

public final class TensorFlowLite {
    private TensorFlowLite() {}

    public static void init() {
        throw new UnsatisfiedLinkError("a stand-in");
    }

    public static String runtimeVersion() {
        throw new UnsatisfiedLinkError("a stand-in");
    }
}
