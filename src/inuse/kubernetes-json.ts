import { DrayError } from '../errors.ts'
import { isRecord } from '../oci/json.ts'
import type { ImageCollection } from './gather-images.ts'
import { ObjectStream } from './object-stream.ts'
import { referencesIn } from './references-in.ts'

/** What a cluster of tens of thousands of pods prints. */
export const maxObjectBytes = 256 * 1024 * 1024

/** How many objects there were, lists not counted. */
export interface Counted {
  readonly objects: number
}

/** Takes JSON as it comes, cut anywhere, and adds what its objects name. */
export class ObjectReader {
  readonly #collection: ImageCollection
  readonly #stream: ObjectStream
  readonly #name: string
  readonly #whereIn: (value: unknown) => string
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  #objects = 0

  /** @param whereIn what an object is called, for the place where its images stand */
  constructor(collection: ImageCollection, name: string, whereIn: (value: unknown) => string) {
    this.#collection = collection
    this.#stream = new ObjectStream(name)
    this.#name = name
    this.#whereIn = whereIn
  }

  /** @throws `malformed`, `refused`. */
  push(bytes: Uint8Array): void {
    this.#take(this.#decode(bytes))
  }

  /** @throws `malformed` where it ends too early. */
  end(): Counted {
    this.#take(this.#decode())
    this.#stream.end()
    return { objects: this.#objects }
  }

  #take(text: string): void {
    for (const streamed of this.#stream.push(text)) {
      const { value } = streamed
      if (streamed.kind === 'whole' && streamed.items !== undefined) checkWhole(value, this.#name)
      else this.#objects += 1
      this.#collection.add(referencesIn(value, this.#whereIn(value)))
    }
  }

  #decode(bytes?: Uint8Array): string {
    try {
      return bytes === undefined ? this.#decoder.decode() : this.#decoder.decode(bytes, { stream: true })
    } catch (cause) {
      throw new DrayError('malformed', `${this.#name} cannot be read`, {
        subject: this.#name,
        why: 'it is not UTF-8, so it is no text',
        cause,
      })
    }
  }
}

/** Reads objects of Kubernetes in JSON, lists or one after the other. @throws `malformed`, `refused`. */
export async function addObjects(
  collection: ImageCollection,
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  whereIn: (value: unknown) => string,
): Promise<Counted> {
  const reader = new ObjectReader(collection, name, whereIn)
  for await (const chunk of chunks) reader.push(chunk)
  return reader.end()
}

/** `Deployment shop/api`; undefined for what is no object of Kubernetes. */
export function objectName(value: unknown): string | undefined {
  if (!isRecord(value) || typeof value['kind'] !== 'string') return undefined
  const { kind, metadata } = value
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string') return kind
  const { name, namespace } = metadata
  return `${kind} ${typeof namespace === 'string' ? `${namespace}/` : ''}${name}`
}

/** @throws `refused` for one page of a longer list (Kubernetes API, ListMeta: `continue`). */
function checkWhole(list: unknown, name: string): void {
  const metadata = isRecord(list) ? list['metadata'] : undefined
  if (!isRecord(metadata) || metadata['continue'] === undefined || metadata['continue'] === '') return
  throw new DrayError('refused', `${name} is not the whole list`, {
    subject: name,
    why: 'it says that it goes on elsewhere',
    hint: 'Ask for the list without a limit.',
  })
}
