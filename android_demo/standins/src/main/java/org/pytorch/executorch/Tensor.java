package org.pytorch.executorch;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;

public abstract class Tensor {
    public static Tensor fromBlob(FloatBuffer data, long[] shape) {
        throw new UnsupportedOperationException();
    }

    public static Tensor fromBlob(ByteBuffer data, long[] shape) {
        throw new UnsupportedOperationException();
    }

    public static Tensor fromBlobUnsigned(ByteBuffer data, long[] shape) {
        throw new UnsupportedOperationException();
    }

    public static Tensor fromBlob(IntBuffer data, long[] shape) {
        throw new UnsupportedOperationException();
    }

    public static Tensor fromBlob(LongBuffer data, long[] shape) {
        throw new UnsupportedOperationException();
    }

    public abstract DType dtype();

    public abstract long[] shape();

    public abstract float[] getDataAsFloatArray();

    public abstract byte[] getDataAsByteArray();

    public abstract byte[] getDataAsUnsignedByteArray();

    public abstract int[] getDataAsIntArray();

    public abstract long[] getDataAsLongArray();
}
