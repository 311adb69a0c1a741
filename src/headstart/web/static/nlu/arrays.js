// Arrays that numpy wrote: .npz is a zip archive of .npy files, which numpy.savez doesn't compress.

const END_OF_ARCHIVE = 0x06054b50;
const ENTRY = 0x02014b50;
const END_SIZE = 22;
const STORED = 0;
const TYPES = { "<f4": Float32Array, "<f8": Float64Array };

/**
 * The arrays of an .npz file, flat, by name.
 * @param {ArrayBuffer} buffer
 * @returns {{[name: string]: Float32Array | Float64Array}}
 * @throws {Error} it is none, or holds what is no array of floats
 */
export function readArrays(buffer) {
  const view = new DataView(buffer);
  const end = endOfArchive(view);
  const arrays = {};
  let place = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count--) {
    if (view.getUint32(place, true) !== ENTRY || view.getUint16(place + 10, true) !== STORED) throw damaged();
    const size = view.getUint32(place + 24, true);
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((offset) => view.getUint16(place + offset, true));
    const name = textOf(buffer, place + 46, nameSize);
    const local = view.getUint32(place + 42, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    arrays[name.replace(/\.npy$/, "")] = readArray(buffer.slice(start, start + size));
    place += 46 + nameSize + extraSize + commentSize;
  }
  return arrays;
}

function endOfArchive(view) {
  for (let place = view.byteLength - END_SIZE; place >= 0; place--) {
    if (view.getUint32(place, true) === END_OF_ARCHIVE) return place;
  }
  throw damaged();
}

/** The content of an .npy file of version 1, whose header is a dict of Python. */
function readArray(buffer) {
  const headerSize = new DataView(buffer).getUint16(8, true);
  const header = textOf(buffer, 10, headerSize);
  const type = TYPES[/'descr': '([^']+)'/.exec(header)?.[1]];
  if (type === undefined || !header.includes("'fortran_order': False")) throw damaged();
  return new type(buffer.slice(10 + headerSize));
}

function textOf(buffer, start, size) {
  return new TextDecoder("latin1").decode(new Uint8Array(buffer, start, size));
}

function damaged() {
  return new Error("crf.npz is damaged, or no file of numpy: export the skill anew");
}
