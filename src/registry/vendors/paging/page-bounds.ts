import { DrayError } from '../../../lib/errors.ts'

/** More pages than the largest list has with the smallest page. */
const maxPages = 20_000
/** Bytes of all pages of a list. */
const maxBytes = 2 * 1024 ** 3

/** A list, for errors. */
export interface ListOfPages {
  /** completes "cannot …": `list the versions of ghcr.io/acme/api` */
  readonly doing: string
  /** the repository or registry */
  readonly subject: string
  /** the host of the API */
  readonly host: string
}

/** Counts the pages of a list, so that a list without end is an error. */
export class PageBounds {
  readonly #list: ListOfPages
  #pages = 0
  #bytes = 0

  constructor(list: ListOfPages) {
    this.#list = list
  }

  /** @throws `unsupported` if the list is too long. */
  add(bytes: number): void {
    this.#pages++
    this.#bytes += bytes
    if (this.#pages <= maxPages && this.#bytes <= maxBytes) return
    const { doing, subject, host } = this.#list
    throw new DrayError('unsupported', `cannot ${doing}: the list is too long`, {
      subject,
      why: `${host} sent ${this.#pages} pages with ${this.#bytes} bytes, and named another page`,
    })
  }
}

/** A page that contradicts the others. */
export function brokenList({ doing, subject, host }: ListOfPages, why: string): DrayError {
  return new DrayError('protocol', `cannot ${doing}: the pages of ${host} contradict each other`, {
    subject,
    why,
  })
}

/** The list was not the same twice. */
export function changedList({ doing, subject }: ListOfPages, why: string): DrayError {
  return new DrayError('unavailable', `cannot ${doing}: the list changed while dray read it`, {
    subject,
    why: `${why}, twice`,
    hint: 'Run the command again when no other program pushes to the repository or deletes from it.',
  })
}
