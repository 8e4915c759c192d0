/** Reads a stream of bytes forward, in parts of a given length, without copying large ones. */
export class ForwardReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array()
  #position = 0

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#chunks = input[Symbol.asyncIterator]()
  }

  /** how many bytes were read */
  get position(): number {
    return this.#position
  }

  /** Returns so many bytes as one array; fewer only at the end of the stream. */
  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for await (const part of this.stream(length)) parts.push(part)
    return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
  }

  /** Yields so many bytes as they come; fewer only at the end of the stream. */
  async *stream(length: number): AsyncGenerator<Uint8Array, void> {
    for (let rest = length; rest > 0;) {
      const part = await this.#next(rest)
      if (part === undefined) return
      rest -= part.byteLength
      yield part
    }
  }

  /** Ends the stream: a pipe or a file is closed. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #next(max: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.byteLength === 0) {
      const next = await this.#chunks.next()
      if (next.done === true) return undefined
      this.#chunk = next.value
    }
    const part = this.#chunk.subarray(0, max)
    this.#chunk = this.#chunk.subarray(part.byteLength)
    this.#position += part.byteLength
    return part
  }
}
