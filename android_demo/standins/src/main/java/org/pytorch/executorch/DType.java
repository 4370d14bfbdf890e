package org.pytorch.executorch;

public enum DType { UINT8, INT8, INT32, FLOAT, INT64, DOUBLE }
