package org.tensorflow.lite;

import java.nio.ByteBuffer;
import java.util.Map;

public final class Interpreter implements AutoCloseable {
    public static class Options {
        public Options setNumThreads(int threads) {
            throw new UnsupportedOperationException();
        }

        public Options addDelegate(Delegate delegate) {
            throw new UnsupportedOperationException();
        }
    }

    public Interpreter(ByteBuffer model, Options options) {
        throw new UnsupportedOperationException();
    }

    public String[] getSignatureKeys() {
        throw new UnsupportedOperationException();
    }

    public String[] getSignatureInputs(String key) {
        throw new UnsupportedOperationException();
    }

    public String[] getSignatureOutputs(String key) {
        throw new UnsupportedOperationException();
    }

    public Tensor getInputTensorFromSignature(String name, String key) {
        throw new UnsupportedOperationException();
    }

    public Tensor getOutputTensorFromSignature(String name, String key) {
        throw new UnsupportedOperationException();
    }

    public int getInputTensorCount() {
        throw new UnsupportedOperationException();
    }

    public Tensor getInputTensor(int index) {
        throw new UnsupportedOperationException();
    }

    public int getOutputTensorCount() {
        throw new UnsupportedOperationException();
    }

    public Tensor getOutputTensor(int index) {
        throw new UnsupportedOperationException();
    }

    public void resizeInput(int index, int[] shape) {
        throw new UnsupportedOperationException();
    }

    public void allocateTensors() {
        throw new UnsupportedOperationException();
    }

    public void runForMultipleInputsOutputs(Object[] inputs, Map<Integer, Object> outputs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
