/** A number of bytes that several users share. */
export class ByteBudget {
  readonly #max: number
  readonly #full: (max: number) => Error
  #used = 0

  /** @param full makes the error that `take` throws if too few bytes are left */
  constructor(max: number, full: (max: number) => Error) {
    this.#max = max
    this.#full = full
  }

  get used(): number {
    return this.#used
  }

  /** Takes the bytes, or throws and takes none. */
  take(bytes: number): void {
    if (this.#used + bytes > this.#max) throw this.#full(this.#max)
    this.#used += bytes
  }

  give(bytes: number): void {
    this.#used -= bytes
  }
}
