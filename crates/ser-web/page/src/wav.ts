/** Makes a WAV file of one channel from blocks of 32-bit little-endian floats. */
export function wav(blocks: BlobPart[], rate: number, name: string): File {
    const samples = new Blob(blocks);
    const header = new DataView(new ArrayBuffer(44));
    const text = (at: number, text: string) => [...text].forEach((c, i) => header.setUint8(at + i, c.charCodeAt(0)));
    text(0, "RIFF");
    header.setUint32(4, 36 + samples.size, true);
    text(8, "WAVEfmt ");
    header.setUint32(16, 16, true);
    header.setUint16(20, 3, true); // IEEE float
    header.setUint16(22, 1, true);
    header.setUint32(24, rate, true);
    header.setUint32(28, rate * 4, true);
    header.setUint16(32, 4, true);
    header.setUint16(34, 32, true);
    text(36, "data");
    header.setUint32(40, samples.size, true);
    return new File([header, samples], name, { type: "audio/wav" });
}
