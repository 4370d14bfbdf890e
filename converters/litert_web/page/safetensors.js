// The safetensors format: 8 bytes of length, a JSON header, the raw numbers. Little-endian, as every browser is.
// Source: https://github.com/huggingface/safetensors, section "Format".

export const ARRAYS = {
  F64: Float64Array, F32: Float32Array, I64: BigInt64Array, I32: Int32Array, I16: Int16Array, I8: Int8Array,
  U64: BigUint64Array, U32: Uint32Array, U16: Uint16Array, U8: Uint8Array, BOOL: Uint8Array,
};

/** {tensors: {name: {data, shape, dtype}}, metadata} of an ArrayBuffer; throws where it is damaged. */
export function read(buffer) {
  const length = buffer.byteLength < 8 ? NaN : Number(new DataView(buffer).getBigUint64(0, true));
  const begin = 8 + length;
  if (!(begin <= buffer.byteLength)) throw new Error("not a safetensors file, or cut short");
  const { __metadata__: metadata = {}, ...rows } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(rows)) {
    const kind = ARRAYS[dtype];
    const count = shape.reduce((a, b) => a * b, 1);
    if (!kind) throw new Error(`tensor ${name} is ${dtype}, which cannot be read here`);
    if (to - from !== count * kind.BYTES_PER_ELEMENT || begin + to > buffer.byteLength) {
      throw new Error(`tensor ${name} does not fit its shape, or the file is cut short`);
    }
    tensors[name] = { data: new kind(buffer.slice(begin + from, begin + to)), shape, dtype };
  }
  return { tensors, metadata };
}

/** The bytes of tensors {name: {data, shape}}, as a Blob. */
export function write(tensors) {
  const header = {};
  const blobs = [];
  let offset = 0;
  const width = ({ data }) => data.BYTES_PER_ELEMENT;
  for (const [name, tensor] of Object.entries(tensors).sort(([, a], [, b]) => width(b) - width(a))) {
    const { data, shape } = tensor;
    const [dtype] = Object.entries(ARRAYS).find(([, kind]) => data instanceof kind);
    header[name] = { dtype, shape, data_offsets: [offset, (offset += data.byteLength)] };
    blobs.push(data);
  }
  let text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(padded.length), true);
  return new Blob([length.buffer, padded, ...blobs]);
}
